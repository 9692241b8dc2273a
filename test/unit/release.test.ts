import { describe, expect, it } from 'vitest';
import { released, renumbered } from '../../.config/release.mjs';
import { textOf } from '../architecture/files.ts';

describe('a release', () => {
  it('turns what is unreleased into its version', () => {
    const before = '# Changelog\n\n## Unreleased\n\n- More.\n\n## 0.1.0 (2026-11-01)\n\n- First.\n';
    expect(released(before, '0.2.0', '2026-12-01')).toBe(before.replace('## Unreleased', '## 0.2.0 (2026-12-01)'));
    expect(released(textOf('docs/CHANGELOG.md'), '99.0.0', '2026-12-01')).toContain('\n## 99.0.0 (2026-12-01)\n');
  });

  it.each([
    ['nothing under Unreleased', '## Unreleased\n\n## 0.1.0 (2026-11-01)\n\n- First.\n', /says nothing/],
    ['no such section', '## 0.1.0 (2026-11-01)\n\n- First.\n', /no section/],
    ['the version already', '## Unreleased\n\n- More.\n\n## 0.2.0 (2026-11-01)\n\n- First.\n', /0\.2\.0 already/],
  ])('is refused with %s', (_what, changelog, message) => {
    expect(() => released(`# Changelog\n\n${changelog}`, '0.2.0', '2026-12-01')).toThrow(message);
  });

  it('finds every place of the version, or changes none', () => {
    expect(renumbered('a="1.0" b="1.0"', '"1.0"', '"2.0"', 2)).toBe('a="2.0" b="2.0"');
    expect(() => renumbered('a="1.0"', '"1.0"', '"2.0"', 2)).toThrow('1 times instead of 2');
  });
});

/** The rules that no compiler checks. Each failure says the rule; docs/architecture.md says why there is one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ENGINES } from '../src/cli/registry.ts';
import { ERRORS } from '../src/contract/errors.ts';
import { anchors, brokenLink, localLinks, shellBlocks, unknownNames } from './architecture/documents.ts';
import { repositoryFiles, textOf, textOrNull } from './architecture/files.ts';
import { breach, DRIVERS, findings, importCycle, importsOf, RULES } from './architecture/imports.ts';
import { repository } from './kit/paths.ts';

const sources = repositoryFiles.filter(path => path.startsWith('src/') && path.endsWith('.ts'));
const tests = repositoryFiles.filter(path => path.startsWith('test/') && path.endsWith('.ts'));
const documents = repositoryFiles.filter(path => path.endsWith('.md'));
const decisionIndex = 'docs/decisions/README.md';
const decisions = documents.filter(path => path.startsWith('docs/decisions/') && path !== decisionIndex);
const exists = (path: string): boolean => existsSync(join(repository, path));
const packageJson = JSON.parse(textOf('package.json')) as {
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
};

describe('the source', () => {
  it('is there', () => {
    expect(sources.length).toBeGreaterThan(50);
    const engines = new Set(sources.flatMap(path => /^src\/engines\/([^/]+)\//.exec(path)?.[1] ?? []));
    expect(Object.keys(DRIVERS).toSorted(), 'DRIVERS in test/architecture/imports.ts names each engine').toEqual(
      [...engines].toSorted(),
    );
    expect(Object.keys(ENGINES).filter(name => !engines.has(name))).toEqual([]);
  });

  it('imports only what the layer of the importing file may', () => {
    const breaches = sources.flatMap(importsOf).map(breach);
    expect(breaches.filter(found => found !== null)).toEqual([]);
  });

  it('has layers that are folders or files, and no others', () => {
    for (const layer of Object.keys(RULES)) expect(exists(`src/${layer}`), `src/${layer}`).toBe(true);
  });

  it('uses only dependencies of package.json: what else is installed may be gone tomorrow', () => {
    const used = new Set(sources.flatMap(importsOf).flatMap(({ to, isFile }) => (isFile || to.startsWith('node:') ? [] : [to])));
    expect([...used].filter(name => !Object.hasOwn(packageJson.dependencies, name))).toEqual([]);
    expect([...used]).toContain('pg');
  });

  it('has no import cycle', () => {
    const cycle = importCycle(sources);
    expect(cycle, `a cycle: ${cycle?.join(' → ')}`).toBeNull();
  });

  it('touches the global `process` in main.ts alone: everything else is handed what it needs', () => {
    const uses = sources.filter(path => path !== 'src/main.ts').flatMap(path => findings(path).process);
    expect(uses).toEqual([]);
    expect(findings('src/main.ts').process.length).toBeGreaterThan(0);
  });

  it('has no file of more than 300 lines', () => {
    const allowed = new Set<string>([]);
    const long = sources.filter(path => textOf(path).trimEnd().split('\n').length > 300 && !allowed.has(path));
    expect(long).toEqual([]);
  });

  it('has the same nine files in every engine, as the guide to a new one says', () => {
    const sentence = /The same names stand in each engine: ([\s\S]*?)\./.exec(textOf('docs/adding-an-engine.md'))?.[1] ?? '';
    const names = [...sentence.matchAll(/`(\w+)(\/?)`/g)].map(([, name, folder]) => `${name}${folder || '.ts'}`);
    expect(names.filter(name => name.endsWith('.ts'))).toHaveLength(9);
    const places = Object.keys(DRIVERS).flatMap(engine => names.map(name => `src/engines/${engine}/${name}`));
    expect(places.filter(place => !exists(place))).toEqual([]);
  });

  it('has no default export', () => {
    expect([...sources, ...tests].flatMap(path => findings(path).defaultExports)).toEqual([]);
  });

  it('has nothing left to be done in a comment', () => {
    const marks = /\b(?:TODO|FIXME|HACK)\b/;
    const code = [...sources, ...tests].filter(path => !path.startsWith('test/architecture'));
    expect(code.filter(path => marks.test(textOf(path)))).toEqual([]);
  });
});

describe('the import rule itself', () => {
  const between = (from: string, to: string, isFile = true): string | null => breach({ from, to, isFile });

  it.each([
    ['src/bytes/a.ts', 'src/values/b.ts'],
    ['src/contract/a.ts', 'src/core/b.ts'],
    ['src/core/a.ts', 'src/engines/postgres/b.ts'],
    ['src/core/a.ts', 'src/cli/b.ts'],
    ['src/engines/postgres/a.ts', 'src/core/b.ts'],
    ['src/engines/postgres/a.ts', 'src/protocol/b.ts'],
    ['src/cli/a.ts', 'src/engines/postgres/index.ts'],
    ['src/main.ts', 'src/engines/postgres/index.ts'],
    ['src/core/a.ts', 'test/kit/b.ts'],
  ])('refuses %s → %s', (from, to) => {
    expect(between(from, to)).toContain(`${from} imports ${to}`);
  });

  it.each([
    ['src/core/a.ts', 'pg'],
    ['src/cli/a.ts', 'pg'],
    ['src/bytes/a.ts', 'node:buffer'],
    ['src/core/a.ts', 'node:process'],
    ['src/engines/postgres/a.ts', 'left-pad'],
  ])('refuses %s → the package %s', (from, to) => {
    expect(between(from, to, false)).toContain(`${from} imports ${to}`);
  });

  it('allows the registry what it refuses others', () => {
    expect(between('src/cli/registry.ts', 'src/engines/postgres/index.ts')).toBeNull();
    expect(between('src/engines/postgres/a.ts', 'src/engines/postgres/wire/b.ts')).toBeNull();
    expect(between('src/engines/postgres/a.ts', 'pg', false)).toBeNull();
  });
});

describe('the repository', () => {
  it('shows nothing at the top but what belongs there; tooling stands in dotfiles', () => {
    const visible = new Set(repositoryFiles.map(path => path.split('/')[0] ?? '').filter(name => !name.startsWith('.')));
    const belongs = [
      ...['package.json', 'package-lock.json', 'tsconfig.json', 'Dockerfile', 'README.md'],
      ...['bin', 'src', 'spec', 'test', 'docs'],
    ];
    expect([...visible].toSorted()).toEqual(belongs.toSorted());
  });

  it('locks the packages of every platform, or npm ci fails on all of them', () => {
    type Locked = { readonly version?: string; readonly optionalDependencies?: Readonly<Record<string, string>> };
    const { packages } = JSON.parse(textOf('package-lock.json')) as { readonly packages: Readonly<Record<string, Locked>> };
    const major = (version: string | undefined): number => Number.parseInt((version ?? '').replace(/^[\^~]/, ''), 10);
    const unlocked = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.entries(optionalDependencies)
        .filter(([name, range]) =>
          [`${path}/node_modules/${name}`, `node_modules/${name}`].every(at => major(packages[at]?.version) !== major(range)),
        )
        .map(([name, range]) => `${name} ${range}`),
    );
    expect(unlocked).toEqual([]);
  });

  it('names no package registry and no path of anybody’s machine', () => {
    // Written so that this file does not find itself.
    const unwanted = [
      /\bregistry\.(?!example\b)[a-z0-9-]+\.[a-z]{2,}/,
      /\b(?:artifactory|verdaccio|nexus3?)[./:]/i,
      /\/wor[k]\//,
      /\/roo[t]\//,
      /\/hom[e]\/(?!you\/)\w+/,
      /\/User[s]\/\w+/,
    ];
    const found = repositoryFiles.flatMap(path => {
      const text = textOrNull(path);
      return unwanted.flatMap(pattern => {
        const match = text === null ? null : pattern.exec(text);
        return match === null ? [] : [`${path}: ${match[0]}`];
      });
    });
    expect(found).toEqual([]);
  });
});

describe('the documents', () => {
  it('have links that lead somewhere', () => {
    const links = documents.flatMap(localLinks);
    expect(links.length).toBeGreaterThan(30);
    expect(links.map(link => brokenLink(link, exists)).filter(broken => broken !== null)).toEqual([]);
  });

  it('have a heading for every error code', () => {
    const headings = anchors('docs/errors.md');
    expect(Object.keys(ERRORS).filter(code => !headings.has(code.toLowerCase()))).toEqual([]);
  });

  it.each(Object.keys(DRIVERS))('say what to do about every error code that %s can bring', engine => {
    const others = new RegExp(`^src/engines/(?!${engine}/)`);
    const text = sources.filter(path => !others.test(path) && path !== 'src/contract/errors.ts').map(textOf);
    const brought = Object.keys(ERRORS).filter(code => text.some(each => each.includes(`'${code}'`)));
    const listed = localLinks(`docs/${engine}.md`).map(({ target }) => target.split('errors.md#')[1]?.toUpperCase());
    expect(brought.length).toBeGreaterThan(15);
    expect(brought.filter(code => !listed.includes(code))).toEqual([]);
  });

  it('name only npm scripts and files that exist in what a reader is asked to run', () => {
    const scripts = new Set(Object.keys(packageJson.scripts));
    const unknown = documents.flatMap(path =>
      shellBlocks(path).flatMap(block => unknownNames(block, scripts, exists).map(name => `${path}: ${name}`)),
    );
    expect(unknown).toEqual([]);
    expect(unknownNames('npm run nothing; npm test; bin/source-tributary spec; cat docs/nothing.md', scripts, exists)).toEqual([
      'npm run nothing',
      'docs/nothing.md',
    ]);
  });

  it('number the decisions without a gap, each under its number', () => {
    decisions.forEach((path, index) => {
      expect(path).toMatch(new RegExp(`/${String(index + 1).padStart(4, '0')}-[a-z0-9-]+\\.md$`));
    });
    expect(decisions.length).toBeGreaterThan(0);
  });

  it('list every decision once in their index by topic', () => {
    const listed = localLinks(decisionIndex).map(({ target }) => `docs/decisions/${target}`);
    expect(listed.toSorted()).toEqual(decisions);
  });

  it('have an entry for every number in the title of a test, and name a test that is there', () => {
    const text = textOf('docs/known-bugs.md');
    const entries = [...text.matchAll(/^\| #(\d+) \|/gm)].map(match => Number(match[1]));
    expect(entries).toEqual([...new Set(entries)].toSorted((a, b) => a - b));
    // Written so that this file does not find itself.
    const title = /\b(?:it|describe\w*|test)(?:\.each\([^\n]*\))?\(\s*[`'][^`'\n]*/g;
    const numbers = tests.flatMap(path =>
      [...textOf(path).matchAll(title)].flatMap(([found]) =>
        [...found.matchAll(/(?<=[`' ])#(\d+)\b/g)].map(match => Number(match[1])),
      ),
    );
    expect(numbers.length).toBeGreaterThan(30);
    // Reports of other projects are quoted with their own numbers, which are larger.
    expect([...new Set(numbers)].filter(number => number < 1000 && !entries.includes(number))).toEqual([]);
  });

  it('have at the top of the changelog what is unreleased, or the version of package.json', () => {
    const [first] = [...textOf('docs/CHANGELOG.md').matchAll(/^## (\S+)/gm)].map(match => match[1]);
    expect(['Unreleased', packageJson.version]).toContain(first);
  });
});

describe('the Dockerfile', () => {
  const text = textOf('Dockerfile').replace(/\\\n\s*/g, ' ');
  const final = text.slice(text.lastIndexOf('\nFROM '));
  const entrypoint = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(final)?.[1] ?? 'null') as string[];

  it('tells Airbyte the entry point that it has', () => {
    expect(/\bAIRBYTE_ENTRYPOINT="([^"]*)"/.exec(final)?.[1]).toBe(entrypoint.join(' '));
  });

  it('is labelled with the name and version of package.json', () => {
    const label = (name: string): string | undefined =>
      new RegExp(`\\b${name.replaceAll('.', '\\.')}="([^"]*)"`).exec(final)?.[1];
    expect(label('io.airbyte.name')).toBe('source-tributary');
    expect(label('io.airbyte.version')).toBe(packageJson.version);
    expect(label('org.opencontainers.image.version')).toBe(packageJson.version);
  });

  it('runs as uid 1000, and what it runs needs no install', () => {
    expect(/^USER (.*)$/m.exec(final)?.[1]).toBe('1000:1000');
    expect(final).not.toMatch(/\bnpm\b|node_modules/);
  });
});

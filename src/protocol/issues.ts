import type * as z from 'zod';

/** RFC 6901. The empty pointer is the whole document. */
export const pointer = (path: readonly PropertyKey[]): string =>
  path.map(part => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** "at /streams/0/sync_mode: Invalid option: …", one for each issue; zod's messages never quote the value. */
export const describeIssues = (issues: readonly z.core.$ZodIssue[], base: readonly PropertyKey[] = []): readonly string[] =>
  issues.map(issue => {
    const where = pointer([...base, ...issue.path]);
    return where === '' ? issue.message : `at ${where}: ${issue.message}`;
  });

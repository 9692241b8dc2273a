import type { RunResult } from './run-connector.ts';
import { summarise } from './run-output.ts';

/** A read that printed these lines and ended well, unless told. */
export const madeUpRun = (lines: readonly string[], end: Partial<RunResult> = {}): RunResult => ({
  ...summarise(lines),
  command: 'read',
  exitCode: 0,
  signal: null,
  partialLine: '',
  stdoutClosed: false,
  invalidUtf8: false,
  stderr: '',
  milliseconds: 1,
  ...end,
});

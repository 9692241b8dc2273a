import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A folder for the files of all tests without servers. Files of tests share a process, so none may remove it. */
    scratch: string;
  }
}

/** Called by vitest once before and once after all tests without servers. */
export const setup = ({ provide }: TestProject): (() => void) => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-unit-'));
  provide('scratch', folder);
  return () => rmSync(folder, { recursive: true, force: true });
};

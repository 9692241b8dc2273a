import type { Reporter, TestModule } from 'vitest/node';

/** Closes a test run with one plain line, and names what was skipped, so that nothing is missing without notice. */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    const skippedSuites = new Map<string, number>();
    let broken = 0;
    for (const module of modules) {
      if (module.errors().length > 0) broken++;
      // A hook that fails takes its tests with it without failing one of them.
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) broken++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state]++;
        if (state !== 'skipped') continue;
        const [suite] = test.fullName.split(' > ');
        skippedSuites.set(suite ?? test.name, (skippedSuites.get(suite ?? test.name) ?? 0) + 1);
      }
    }
    const write = (line: string): void => {
      process.stdout.write(`${line}\n`);
    };
    for (const [suite, tests] of skippedSuites) write(`skipped: ${suite} (${tests} tests)`);
    const failed = count.failed + broken + errors.length;
    write(
      `${failed === 0 ? 'OK' : 'FAILED'}: ${count.passed} passed, ${failed} failed, ${count.skipped + count.pending} skipped`,
    );
  }
}

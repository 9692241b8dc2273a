import { expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import { killRun } from '../../kit/kill.ts';
import { seedOfRun } from '../../kit/random.ts';
import { postgresBackend } from './backend.ts';

// How many kills on each major: a hundred in CI, more by TRIBUTARY_KILLS.
const kills = Number(process.env['TRIBUTARY_KILLS'] ?? 100);

describePostgres(major => {
  it(
    `loses no row and keeps none too many over ${kills} kills`,
    async () => {
      const report = await killRun({ backend: postgresBackend(major), kills, seed: seedOfRun(), rows: 1500 });
      console.log(`PostgreSQL ${major}: ${JSON.stringify(report)}`);
      expect(report.kills).toBe(kills);
      // A run that never met a snapshot, or never the log, has proven little.
      expect(report.inSnapshot).toBeGreaterThan(kills / 10);
      expect(report.inLog).toBeGreaterThan(kills / 10);
    },
    60_000 + kills * 6000,
  );
});

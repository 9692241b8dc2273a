import { expect, it } from 'vitest';
import { killRun } from '../../kit/kill.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { seedOfRun } from '../../kit/random.ts';
import { rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { mysqlBackend } from './backend.ts';

// How many kills on each flavor, shared by the kinds of metadata: two hundred in CI, more by TRIBUTARY_KILLS.
const allKills = Number(process.env['TRIBUTARY_KILLS'] ?? 200);

describeMysql(flavor => {
  const kinds = rowMetadataOf(flavor);
  const kills = Math.ceil(allKills / kinds.length);
  it.each(kinds)(
    `loses no row and keeps none too many over ${kills} kills (binlog_row_metadata %s)`,
    async metadata => {
      const backend = mysqlBackend(flavor, metadata);
      const report = await killRun({ backend, kills, seed: seedOfRun(), rows: 1500 });
      console.log(`${backend.label}: ${JSON.stringify(report)}`);
      expect(report.kills).toBe(kills);
      // A run that never met a snapshot, or never the log, has proven little.
      expect(report.inSnapshot).toBeGreaterThan(kills / 10);
      expect(report.inLog).toBeGreaterThan(kills / 10);
    },
    60_000 + kills * 6000,
  );
});

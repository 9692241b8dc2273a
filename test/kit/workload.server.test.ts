import { expect, it } from 'vitest';
import { postgresBackend } from '../engines/postgres/backend.ts';
import type { TableSpec } from './backend.ts';
import type { Row } from './destination.ts';
import { describePostgres } from './engines.ts';
import { Random } from './random.ts';
import { sleep } from './servers/process.ts';
import { fill, Workload, workloadTables } from './workload.ts';

describePostgres(major => {
  const documents = workloadTables.find(table => table.name === 'document') as TableSpec;
  it('leads a life of rows in which every kind of change occurs', async () => {
    const database = await postgresBackend(major).open();
    const random = new Random(4711);
    for (const table of workloadTables) {
      await database.createTable(table);
      await fill(database, table, 1, 60, random.fork(table.name));
    }
    const counters =
      'SELECT sum(n_tup_ins)::int AS ins, sum(n_tup_upd)::int AS upd, sum(n_tup_del)::int AS del FROM pg_stat_user_tables';
    const workload = await Workload.start({ database, tables: workloadTables, random, rows: 60, pauseMilliseconds: 1 });
    await sleep(1500);
    await workload.stop();
    expect(workload.changes).toBeGreaterThan(200);
    await sleep(1100);
    const [counted] = await database.query(counters);
    for (const kind of ['ins', 'upd', 'del']) expect(counted?.[kind]).toBeGreaterThan(20);
    const [stats] = await database.query(
      'SELECT xact_rollback::int AS rollbacks FROM pg_stat_database WHERE datname = current_database()',
    );
    expect(stats?.['rollbacks']).toBeGreaterThan(3);
    const rows: Row[] = await database.rows(documents);
    expect(rows.some(row => typeof row['body'] === 'string' && row['body'].length > 3000)).toBe(true);
    await database.disconnected();
    await database.drop();
  });
});

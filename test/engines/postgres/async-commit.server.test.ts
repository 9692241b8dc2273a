import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OwnPostgresServer, startPostgres } from '../../kit/servers/postgres.ts';
import { begun, brief, describeMajor, inLab, thing } from './lab.ts';

describeMajor(18, major => {
  let server: OwnPostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ major, settings: { autovacuum: 'off' } });
  });
  afterAll(() => server.stop());

  it(
    'a commit that is not flushed yet (synchronous_commit = off) comes with a later read',
    inLab(
      major,
      async lab => {
        const platform = await begun(lab);
        await platform.sync();
        const [writer] = await lab.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'");
        const pid = Number(writer?.['pid']);
        lab.later(async () => void process.kill(pid, 'SIGCONT'));
        process.kill(pid, 'SIGSTOP');
        const client = await lab.client();
        await client.query("SET synchronous_commit = off; INSERT INTO thing VALUES (3, 'three')");
        await lab.until('pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn()');
        expect(brief(await platform.sync(), 'thing', 'id')).toEqual([]);
        process.kill(pid, 'SIGCONT');
        const [end] = await lab.sql('SELECT pg_current_wal_insert_lsn()::text AS lsn');
        await lab.until(`pg_current_wal_flush_lsn() >= '${String(end?.['lsn'])}'`);
        expect(brief(await platform.sync(), 'thing', 'id')).toEqual(['3']);
        await platform.expectEqual([thing]);
      },
      () => server,
    ),
  );
});

import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describePostgres } from '../engines.ts';
import { orphansOf } from './orphan.ts';
import { startPostgres } from './postgres.ts';
import { acquirePostgres } from './shared.ts';

describePostgres(major => {
  it('starts servers that differ in their system identifier, with wal_level logical and the contrib extensions', async () => {
    const servers = await Promise.all([startPostgres({ major }), startPostgres({ major, settings: { work_mem: '7MB' } })]);
    try {
      const sql = `SELECT system_identifier::text AS id, current_setting('wal_level') AS wal, current_setting('work_mem') AS mem,
        current_setting('server_version_num')::int / 10000 AS major FROM pg_control_system()`;
      const rows = await Promise.all(servers.map(async server => (await server.query('postgres', sql))[0]));
      expect(rows.map(row => row?.['major'])).toEqual([major, major]);
      expect(rows.map(row => row?.['wal'])).toEqual(['logical', 'logical']);
      expect(rows.map(row => row?.['mem'])).toEqual(['4MB', '7MB']);
      expect(rows[0]?.['id']).not.toBe(rows[1]?.['id']);
      await servers[0].query('postgres', 'CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree');
    } finally {
      await Promise.all(servers.map(server => server.stop()));
    }
    for (const server of servers) expect(existsSync(server.dataFolder)).toBe(false);
  });

  it('keeps committed rows over a kill and a restart', async () => {
    const server = await startPostgres({ major });
    try {
      await server.query('postgres', 'CREATE TABLE t (a int); INSERT INTO t VALUES (1)');
      await server.kill9();
      await server.start();
      await server.configure({ work_mem: '9MB' });
      await server.restart();
      const sql = "SELECT current_setting('work_mem') AS mem, count(*)::int AS n FROM t";
      expect(await server.query('postgres', sql)).toEqual([{ mem: '9MB', n: 1 }]);
    } finally {
      await server.stop();
    }
  });

  it('drops a database with its replication slots', async () => {
    const server = await acquirePostgres(major);
    const database = await server.createDatabase();
    await server.query(database, "SELECT pg_create_logical_replication_slot('kit_' || current_database(), 'pgoutput')");
    await server.dropDatabase(database);
    const left = 'SELECT count(*)::int AS n FROM pg_replication_slots WHERE database = $1';
    expect(await server.query('postgres', left, [database])).toEqual([{ n: 0 }]);
  });

  it('leaves no server behind when the process that started it is killed', async () => {
    expect(await orphansOf(String(major))).toEqual({ process: false, folder: false });
  });
});

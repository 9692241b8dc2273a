import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { describeMysql } from '../mysql-engines.ts';
import { mysqlTool, type OwnMysqlServer, query, startMysql } from './mysql.ts';
import { caughtUp, committed, holdCommits, promote, replicate } from './mysql-replication.ts';
import { acquireMysql, rowMetadataOf } from './mysql-shared.ts';
import { orphansOf } from './orphan.ts';
import { sleep } from './process.ts';

const run = promisify(execFile);
const stopAll = async (servers: readonly OwnMysqlServer[]): Promise<void> => {
  await Promise.all(servers.map(server => server.stop()));
  for (const server of servers) expect(existsSync(server.folder)).toBe(false);
};

describeMysql(flavor => {
  const binlogTool = flavor === 'mysql' ? 'mysqlbinlog' : 'mariadb-binlog';

  it('starts servers that differ in their identity, with a row log, and settings of their own', async () => {
    const servers = await Promise.all([
      startMysql({ flavor }),
      startMysql({ flavor, settings: { binlog_row_metadata: 'MINIMAL', max_connections: '77' } }),
    ]);
    try {
      const sql = `SELECT @@server_id AS id, @@log_bin AS log, @@binlog_format AS format, @@binlog_row_metadata AS metadata,
        @@max_connections AS connections, @@performance_schema AS monitoring, version() LIKE '%MariaDB%' AS mariadb`;
      const rows = await Promise.all(servers.map(async server => (await server.query(undefined, sql))[0] ?? {}));
      const common = { log: 1, format: 'ROW', monitoring: 0, mariadb: flavor === 'mariadb' ? 1 : 0 };
      expect(rows[0]).toMatchObject({ ...common, metadata: 'FULL', connections: 200 });
      expect(rows[1]).toMatchObject({ ...common, metadata: 'MINIMAL', connections: 77 });
      expect(rows[0]?.['id']).not.toBe(rows[1]?.['id']);
      if (flavor === 'mysql') {
        expect(await servers[0].variable('gtid_mode')).toBe('ON');
        expect(await servers[0].variable('server_uuid')).not.toBe(await servers[1].variable('server_uuid'));
      }
      // What the kit did before the first start must not stand in the log.
      expect(await committed(servers[0])).toBe('');
    } finally {
      await stopAll(servers);
    }
  });

  it('keeps committed rows over a kill, with new settings over a restart, and is on the same port', async () => {
    const server = await startMysql({ flavor });
    try {
      const database = await server.createDatabase();
      await server.query(database, 'CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)');
      const before = await committed(server);
      await server.kill9();
      await expect(server.query(database, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
      await server.start();
      expect(await server.query(database, 'SELECT a FROM t')).toEqual([{ a: 1 }, { a: 2 }]);
      expect((await committed(server)).replaceAll(/^.*:|^\d+-\d+-/g, '')).toBe(before.replaceAll(/^.*:|^\d+-\d+-/g, ''));
      await server.configure({ max_connections: '33' });
      await server.restart();
      expect(await server.variable('max_connections')).toBe('33');
    } finally {
      await stopAll([server]);
    }
  });

  it('gives rows of the last statement, and numbers that JavaScript would round as text', async () => {
    const server = await acquireMysql(flavor);
    const client = await server.client();
    try {
      expect(await query(client, 'SELECT 18446744073709551615 AS big, 7 AS small')).toEqual([
        { big: '18446744073709551615', small: 7 },
      ]);
      expect(await query(client, 'SELECT 1 AS a; SELECT 2 AS b')).toEqual([{ b: 2 }]);
      expect(await query(client, 'SELECT 1 AS a; SET @x = 1')).toEqual([]);
      expect(await query(client, 'SET @x = 1')).toEqual([]);
      expect(await query(client, 'SELECT 1 AS a WHERE 1 = 0')).toEqual([]);
      expect(await query(client, 'SELECT ? AS a', ["it's"])).toEqual([{ a: "it's" }]);
    } finally {
      await client.end();
    }
  });

  it.each(rowMetadataOf(flavor))('shares a server with %s metadata over the whole run', async metadata => {
    const [one, two] = [await acquireMysql(flavor, metadata), await acquireMysql(flavor, metadata)];
    expect(two.port).toBe(one.port);
    expect(await one.variable('binlog_row_metadata')).toBe(metadata);
  });

  it('drops a database with its reader and whoever is connected', async () => {
    const server = await acquireMysql(flavor);
    const name = await server.createDatabase();
    const reader = await server.createReader(name, [name]);
    const client = await server.client(name, { user: reader.username, password: reader.password });
    await server.query(name, 'CREATE TABLE t (a INT)');
    await client.query('START TRANSACTION; SELECT * FROM t');
    await expect(client.query('CREATE TABLE u (a INT)')).rejects.toThrow(/denied/);
    await expect(client.query('SELECT * FROM mysql.user')).rejects.toThrow(/denied/);
    expect(await server.connections(({ user }) => user === name)).toHaveLength(1);
    await server.dropDatabase(name);
    await expect(client.query('SELECT 1')).rejects.toThrow();
    for (let waited = 0; (await server.connections(({ user }) => user === name)).length > 0 && waited < 100; waited++)
      await sleep(20);
    expect(await server.connections(({ user }) => user === name)).toEqual([]);
    expect(await server.query(undefined, 'SHOW DATABASES LIKE ?', [name])).toEqual([]);
  });

  it('has client tools that run, and that read the log over the network', async () => {
    const server = await startMysql({ flavor });
    try {
      const database = await server.createDatabase();
      await server.query(database, "CREATE TABLE t (a INT PRIMARY KEY, b TEXT); INSERT INTO t VALUES (4711, 'kéy')");
      const [client, ...clientArgs] = await mysqlTool(flavor, flavor === 'mysql' ? 'mysql' : 'mariadb');
      const text = await run(client, [...clientArgs, ...server.clientOptions, '-N', '-e', `SELECT a FROM ${database}.t`]);
      expect(text.stdout).toBe('4711\n');
      const [dump, ...dumpArgs] = await mysqlTool(flavor, binlogTool);
      const log = await run(dump, [...dumpArgs, ...server.clientOptions, '--read-from-remote-server', '-v', 'binlog.000001']);
      expect(log.stdout).toContain('###   @1=4711');
    } finally {
      await stopAll([server]);
    }
  });

  it('answers TLS with what it made for itself, or says that it has none', async () => {
    const server = await startMysql({ flavor });
    try {
      const cipher = "SHOW STATUS LIKE 'Ssl_cipher'";
      if (flavor === 'mysql') {
        const client = await server.client(undefined, { ssl: { ca: await server.caCertificate(), verifyIdentity: false } });
        expect(String((await query(client, cipher))[0]?.['Value'])).toMatch(/./);
        await client.end();
      } else {
        const refusal = (await server.isMariadb10()) ? /secure connection/ : /self-signed/;
        await expect(server.client(undefined, { ssl: {} })).rejects.toThrow(refusal);
      }
      const plain = await server.client();
      expect((await query(plain, cipher))[0]?.['Value']).toBe('');
      await plain.end();
    } finally {
      await stopAll([server]);
    }
  });

  it('replicates from one server to another, which takes its place', async () => {
    const [source, replica] = await Promise.all([startMysql({ flavor }), startMysql({ flavor })]);
    try {
      await replicate(source, replica);
      const database = await source.createDatabase();
      await source.query(database, 'CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t VALUES (1); UPDATE t SET a = 2');
      await caughtUp(source, replica);
      expect(await replica.query(database, 'SELECT a FROM t')).toEqual([{ a: 2 }]);
      expect(await committed(replica)).toBe(await committed(source));
      await replica.query(database, 'INSERT INTO t VALUES (9)');
      await source.query(database, 'INSERT INTO t VALUES (9)');
      await expect(caughtUp(source, replica)).rejects.toThrow(/failed executing transaction|Duplicate entry/);
      await promote(replica);
      const status = flavor === 'mysql' ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS';
      expect(await replica.query(undefined, status)).toEqual([]);
    } finally {
      await stopAll([source, replica]);
    }
  });

  it('holds commits that stand in the log and that nobody sees', async () => {
    const server = await startMysql({ flavor });
    try {
      const database = await server.createDatabase();
      await server.query(database, 'CREATE TABLE t (a INT PRIMARY KEY)');
      const log = async (): Promise<unknown> => (await server.query(undefined, 'SHOW BINARY LOGS')).at(-1)?.['File_size'];
      const size = await log();
      for (let round = 1; round <= 2; round++) {
        const held = await holdCommits(server);
        const inserting = server.query(database, 'INSERT INTO t VALUES (?)', [round]);
        await held.waiting(1);
        expect(await server.query(database, 'SELECT a FROM t WHERE a = ?', [round])).toEqual([]);
        expect(Number(await log())).toBeGreaterThan(Number(size));
        await held.release();
        await inserting;
        expect(await server.query(database, 'SELECT a FROM t WHERE a = ?', [round])).toEqual([{ a: round }]);
      }
    } finally {
      await stopAll([server]);
    }
  });

  it('leaves no server behind when the process that started it is killed', async () => {
    expect(await orphansOf(flavor)).toEqual({ process: false, folder: false });
  });
});

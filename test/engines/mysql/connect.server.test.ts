import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binlogDump, DUMP_NON_BLOCKING } from '../../../src/engines/mysql/binlog/command.ts';
import type { SslMode } from '../../../src/engines/mysql/config.ts';
import { queryOn } from '../../../src/engines/mysql/sql.ts';
import { connect, disconnect, rawConnection } from '../../../src/engines/mysql/wire/connect.ts';
import { RawConnection } from '../../../src/engines/mysql/wire/raw-connection.ts';
import { TextRow } from '../../../src/engines/mysql/wire/text-row.ts';
import { engineContext } from '../../kit/engine-context.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { type OwnMysqlServer, startMysql } from '../../kit/servers/mysql.ts';
import { sleep } from '../../kit/servers/process.ts';
import { engineConfig, engineTarget, withConnection, withQuery } from './engine-fixture.ts';

const PASSWORD = 'Reader~Secret-0815';

describeMysql(flavor => {
  let server: OwnMysqlServer;
  beforeAll(async () => {
    server = await startMysql({ flavor });
    // As bad as an administrator can make it, for everybody who connects.
    await server.query(
      undefined,
      `CREATE DATABASE lab; CREATE TABLE lab.t (id int PRIMARY KEY, l varchar(20) CHARACTER SET latin1, at timestamp NULL, f float);
       SET time_zone = '+00:00'; INSERT INTO lab.t VALUES (1, 'œ€', '2026-01-02 03:04:05', 1.1);
       SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH'; SET GLOBAL time_zone = '+05:30';
       SET GLOBAL autocommit = 0; SET GLOBAL completion_type = 'CHAIN'; SET GLOBAL sql_select_limit = 3; SET GLOBAL net_write_timeout = 1;
       SET GLOBAL wait_timeout = 2; SET GLOBAL character_set_results = 'latin1';
       SET GLOBAL TRANSACTION ISOLATION LEVEL READ UNCOMMITTED;
       SET GLOBAL ${flavor === 'mysql' ? 'max_execution_time = 1' : 'max_statement_time = 0.5'}`,
    );
  });
  afterAll(() => server.stop());

  const config = (source = {}) => engineConfig(server, ['lab'], source);

  it('is the same session whatever the server is set to', async () => {
    await withQuery(config(), async query => {
      const isolation = flavor === 'mysql' ? '@@transaction_isolation' : '@@tx_isolation';
      const limit = flavor === 'mysql' ? '@@max_execution_time' : '@@max_statement_time';
      const [row] = await query.rows(
        `SELECT @@time_zone AS zone, @@sql_mode AS mode, @@autocommit AS auto, @@completion_type AS completion, @@net_write_timeout AS patience,
                @@wait_timeout AS wait, @@character_set_client AS client, @@character_set_results AS results, ${isolation} AS isolation, ${limit} + 0 AS time`,
      );
      expect(row).toEqual({
        zone: '+00:00',
        mode: '',
        auto: '1',
        completion: 'NO_CHAIN',
        patience: '86400',
        wait: '86400',
        client: 'utf8mb4',
        results: null,
        isolation: 'REPEATABLE-READ',
        time: expect.stringMatching(/^0(\.0*)?$/),
      });
      expect(await query.rows('SELECT 1 AS n UNION SELECT 2 UNION SELECT 3 UNION SELECT 4')).toHaveLength(4);
      expect(await query.rows("SELECT 'a\\'b' AS s, '–' AS dash")).toEqual([{ s: "a'b", dash: '–' }]);
      await query.rows('SELECT SLEEP(0.7)');
      await expect(query.rows('INSERT INTO lab.t (id) VALUES (2)')).rejects.toThrow(/READ ONLY/);
    });
  });

  it('gives text in the character set of its column', async () => {
    await withConnection(config(), async connection => {
      const raw = new RawConnection(rawConnection(connection), 'Testing', new AbortController().signal);
      const row = new TextRow(await raw.beginQuery('SELECT l, at, f * 1e0 FROM lab.t'));
      while (!raw.nextPacket()) await raw.fill(5_000);
      row.split(raw.bytes, raw.start, raw.end);
      const fields = [0, 1, 2].map(at => raw.bytes.toString('latin1', row.starts[at], row.ends[at]));
      expect(fields).toEqual(['\x9c\x80', '2026-01-02 03:04:05', '1.100000023841858']);
    });
  });

  it('does not offer files of ours', async () => {
    const connection = await connect(engineTarget(config()), { applicationName: 'test' }, engineContext().context);
    const sent = queryOn(connection.driver).rows("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE lab.t");
    await expect(sent).rejects.toThrow(/local|READ ONLY/i);
    await disconnect(connection);
  });

  describe('what is taken over from mysql2', () => {
    const modes: readonly SslMode[] = flavor === 'mysql' ? [{ mode: 'disabled' }, { mode: 'required' }] : [{ mode: 'disabled' }];

    it.each(modes)('speaks the protocol that was agreed on, with $mode', async ssl => {
      await withConnection(config({ ssl_mode: ssl }), async connection => {
        // MariaDB has no query attributes.
        const loggedIn = rawConnection(connection);
        expect(loggedIn.queryAttributes).toBe(flavor === 'mysql');
        const raw = new RawConnection(loggedIn, 'Testing', new AbortController().signal);
        expect(await raw.query("SELECT 1, NULL, '', 'ü'")).toEqual([['1', null, '', 'ü']]);
        expect(await raw.query('SET @x = 5')).toEqual([]);
        expect(await raw.query('SELECT @x')).toEqual([['5']]);
        expect(await raw.query('SELECT 1 FROM lab.t WHERE id < 0')).toEqual([]);
        await expect(raw.query('SELECT * FROM lab.nothing')).rejects.toMatchObject({ code: 'TABLE_MISSING' });
        const [[text] = []] = await raw.query(`SELECT CONCAT(REPEAT('x', ${0xff_ffff - 5}), 'end')`);
        expect([text?.length, text?.slice(-4)]).toEqual([0xff_ffff - 2, 'xend']);
        raw.close();
      });
    });

    it.each(modes)('carries a dump of the log, with $mode', async ssl => {
      await withConnection(config({ ssl_mode: ssl }), async connection => {
        const raw = new RawConnection(rawConnection(connection), 'Testing', new AbortController().signal);
        await raw.query(
          'SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum',
        );
        raw.beginDump(binlogDump({ file: '', position: 4, serverId: 0xcafe_babe, flags: DUMP_NON_BLOCKING }));
        const types: number[] = [];
        while (!raw.done) {
          while (raw.nextPacket()) {
            expect(raw.bytes[raw.start]).toBe(0);
            types.push(raw.bytes[raw.start + 5] ?? -1);
          }
          if (!raw.done) await raw.fill(10_000);
        }
        // ROTATE, FORMAT_DESCRIPTION, then what happened.
        expect(types.slice(0, 2)).toEqual([4, 15]);
        expect(types.length).toBeGreaterThan(5);
        raw.close();
      });
    });

    it('ends with an error that says so when the server ends the session', async () => {
      const connection = await connect(engineTarget(config()), { applicationName: 'test' }, engineContext().context);
      const idle = await connect(engineTarget(config()), { applicationName: 'test' }, engineContext().context);
      const [row] = await queryOn(connection.driver).rows<{ id: string }>('SELECT CONNECTION_ID() AS id');
      const [other] = await queryOn(idle.driver).rows<{ id: string }>('SELECT CONNECTION_ID() AS id');
      const raw = new RawConnection(rawConnection(connection), 'Testing', new AbortController().signal);
      const asleep = raw.query('SELECT SLEEP(30)');
      const expected = expect(asleep).rejects.toMatchObject({ code: expect.stringMatching(/^(CONNECTION_LOST|SERVER_ERROR)$/) });
      await sleep(100);
      await server.kill([Number(row?.id), Number(other?.id)]);
      await expected;
      // The idle one is dead too, which is nobody's business until it is asked something.
      await sleep(50);
      await expect(queryOn(idle.driver).rows('SELECT 1')).rejects.toThrow();
      raw.close();
      await disconnect(idle);
    });
  });

  describe('logging in', () => {
    const login = (username: string, ssl: SslMode = { mode: 'disabled' }, password = PASSWORD): Promise<string> =>
      withQuery(config({ username, password, ssl_mode: ssl }), async query => {
        const [row] = await query.rows<{ who: string }>('SELECT CURRENT_USER() AS who');
        return row?.who ?? '';
      });
    const make = (name: string, how: string): Promise<unknown> =>
      server.query(undefined, `CREATE USER ${name} IDENTIFIED ${how}`);

    it('works by every plugin that the driver has', async () => {
      if (flavor === 'mysql') {
        // The first login of a caching_sha2 account takes the long way: by RSA in plain, as it is over TLS.
        for (const [name, ssl] of [
          ['sha2_plain', { mode: 'disabled' }],
          ['sha2_tls', { mode: 'required' }],
        ] as const) {
          await make(name, `WITH caching_sha2_password BY '${PASSWORD}'`);
          for (let time = 0; time < 2; time++) expect(await login(name, ssl)).toBe(`${name}@%`);
        }
        await make('sha256', `WITH sha256_password BY '${PASSWORD}'`);
        expect(await login('sha256')).toBe('sha256@%');
        expect(await login('sha256', { mode: 'required' })).toBe('sha256@%');
      } else {
        await make('native', `VIA mysql_native_password USING PASSWORD('${PASSWORD}')`);
        expect(await login('native')).toBe('native@%');
      }
      await make('nopass', "BY ''");
      expect(await login('nopass', { mode: 'disabled' }, '')).toBe('nopass@%');
    });

    it('is refused in words that help', async () => {
      await make('locked', `BY '${PASSWORD}' ACCOUNT LOCK`);
      await expect(login('locked')).rejects.toMatchObject({ code: 'AUTH_REJECTED', detail: expect.stringContaining('locked') });
      await make('expired', `BY '${PASSWORD}' PASSWORD EXPIRE`);
      await expect(login('expired')).rejects.toMatchObject({
        code: 'AUTH_REJECTED',
        detail: expect.stringContaining('password'),
      });
      const wrong = login('locked', { mode: 'disabled' }, 'Sesame~Secret-4711');
      await expect(wrong).rejects.toMatchObject({ code: 'AUTH_REJECTED', detail: expect.not.stringContaining('Sesame') });
    });

    it('ends when no connection is left', async () => {
      await server.query(undefined, `CREATE USER one IDENTIFIED BY '${PASSWORD}' WITH MAX_USER_CONNECTIONS 1`);
      await withConnection(config({ username: 'one', password: PASSWORD }), async () => {
        await expect(login('one')).rejects.toMatchObject({ code: 'SERVER_ERROR', detail: expect.stringContaining('limit') });
      });
    });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MysqlConfig } from '../../../src/engines/mysql/config.ts';
import { openSession } from '../../../src/engines/mysql/session.ts';
import { type Checked, checkOf, codes, text } from '../../kit/check.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { type OwnMysqlServer, startMysql } from '../../kit/servers/mysql.ts';
import { caughtUp, promote, replicate } from '../../kit/servers/mysql-replication.ts';
import { freePort } from '../../kit/servers/process.ts';
import { engineConfig } from './engine-fixture.ts';

const check = (config: MysqlConfig): Promise<Checked> =>
  checkOf(context =>
    openSession(config, context, () => {
      throw new Error('check reads nothing');
    }),
  );

const PASSWORD = 'Reader~Secret-0815';

describeMysql(flavor => {
  const monitor = flavor === 'mysql' ? 'REPLICATION CLIENT' : 'BINLOG MONITOR';
  let server: OwnMysqlServer;
  beforeAll(async () => {
    server = await startMysql({ flavor });
    await server.query(
      undefined,
      `CREATE DATABASE shop; CREATE DATABASE hollow; CREATE DATABASE hidden;
       CREATE TABLE shop.good (id int PRIMARY KEY); CREATE TABLE shop.keyless (v int, w int AS (v + 1) VIRTUAL, x int AS (v + 2) STORED); CREATE VIEW shop.shown AS SELECT * FROM shop.good;
       CREATE TABLE hidden.t (id int PRIMARY KEY)`,
    );
    const user = (name: string, ...grants: readonly string[]): string =>
      [`CREATE USER ${name}@'%' IDENTIFIED BY '${PASSWORD}'`, ...grants.map(grant => `GRANT ${grant} TO ${name}@'%'`)].join('; ');
    await server.query(
      undefined,
      [
        user('plain'),
        user('documented', `REPLICATION SLAVE, REPLICATION CLIENT ON *.*`, 'SELECT ON shop.*', 'SELECT ON hollow.*'),
        user('no_monitor', 'REPLICATION SLAVE ON *.*', 'SELECT ON shop.*'),
        user('no_log', `${monitor} ON *.*`, 'SELECT ON shop.*'),
      ].join('; '),
    );
  });
  afterAll(() => server.stop());

  const as = (username: string, databases: readonly string[] = ['shop'], source = {}): MysqlConfig =>
    engineConfig(server, databases, { username, password: PASSWORD, ...source });

  it('finds nothing wrong where nothing is, and changes nothing', async () => {
    const before = [await server.logEnd(), await server.query(undefined, 'SHOW GLOBAL VARIABLES')];
    const checked = await check(as('documented'));
    expect(checked.problems).toEqual([]);
    expect(checked.lines).toEqual([
      expect.stringContaining('Only as full refresh: shop.shown is a view'),
      expect.stringContaining('Without a primary key or a unique one without NULL: keyless.'),
      // MySQL 9.7 and MariaDB 10.11 have generated columns in their log.
      ...(flavor === 'mysql' || (await server.isMariadb10())
        ? []
        : [expect.stringContaining('in updates keyless.w, keyless.x will be NULL')]),
    ]);
    expect([await server.logEnd(), await server.query(undefined, 'SHOW GLOBAL VARIABLES')]).toEqual(before);
  });

  it('names every missing right at once, with the SQL, which then helps', async () => {
    const checked = await check(as('plain'));
    expect(codes(checked)).toEqual(['PERMISSION_DENIED', 'DATABASE_UNKNOWN', 'PERMISSION_DENIED']);
    expect(text(checked)).toContain(`Run: GRANT ${monitor} ON *.* TO 'plain'@'%';`);
    expect(text(checked)).toContain("run: GRANT SELECT ON `shop`.* TO 'plain'@'%';");
    expect(text(checked)).toContain("The user may not read the log. Run: GRANT REPLICATION SLAVE ON *.* TO 'plain'@'%';");
    for (const { detail } of checked.problems) await server.query(undefined, detail.slice(detail.indexOf('GRANT')));
    expect((await check(as('plain'))).problems).toEqual([]);
  });

  it('tells the two rights on the log apart', async () => {
    const starting = { ...as('no_monitor'), starting_gtids: { shop: { main: 'binlog.000001:4' } } };
    for (const config of [as('no_monitor'), starting]) {
      const found = await check(config);
      expect([codes(found), text(found)]).toEqual([['PERMISSION_DENIED'], expect.stringContaining(`GRANT ${monitor} ON *.*`)]);
    }
    const log = await check(as('no_log'));
    expect([codes(log), text(log)]).toEqual([['PERMISSION_DENIED'], expect.stringContaining('GRANT REPLICATION SLAVE ON *.*')]);
  });

  it('knows databases that are not there, hold nothing, are the server its own, or are spelt otherwise', async () => {
    const checked = await check(as('documented', ['shop', 'hollow', 'nowhere', 'mysql', 'SHOP']));
    expect(codes(checked)).toEqual(['PERMISSION_DENIED', 'DATABASE_UNKNOWN', 'DATABASE_UNKNOWN', 'DATABASE_UNKNOWN']);
    expect(text(checked)).toContain('The database "hollow" has no tables');
    expect(text(checked)).toContain('There is no database "nowhere"');
    expect(text(checked)).toContain('"mysql" is a database of the server itself');
    expect(text(checked)).toContain(
      'There is no database "SHOP", or the user has no right in it. There is "shop"; upper and lower case matter',
    );
  });

  it('knows credentials, hosts and ports that are wrong', async () => {
    const wrong = await check(as('documented', ['shop'], { password: 'wrong' }));
    expect([codes(wrong), text(wrong)]).toEqual([['AUTH_REJECTED'], expect.stringContaining('"documented"')]);
    expect(text(wrong)).not.toContain('wrong~');
    expect(codes(await check(as('nobody')))).toEqual(['AUTH_REJECTED']);
    expect(codes(await check(as('documented', ['shop'], { port: await freePort() })))).toEqual(['SERVER_UNREACHABLE']);
    expect(codes(await check(as('documented', ['shop'], { host: 'no-such-host.invalid' })))).toEqual(['HOST_UNKNOWN']);
  });

  it('names the shard of each problem, and checks all of them', async () => {
    const { host, port } = server;
    const shards = [
      { name: 'one', host, port },
      { name: 'two', host, port, password: 'wrong' },
      { name: 'three', host: 'no-such-host.invalid' },
    ];
    const checked = await check(as('documented', ['shop'], { shards }));
    expect(checked.problems.map(({ code, detail }) => [code, detail.slice(0, detail.indexOf(':'))])).toEqual([
      ['AUTH_REJECTED', 'Shard "two"'],
      ['HOST_UNKNOWN', 'Shard "three"'],
    ]);
  });

  it('a server_id that is the server its own is refused', async () => {
    const own = Number(await server.variable('server_id'));
    expect(codes(await check(as('documented', ['shop'], { server_id: own })))).toEqual(['CONFIG_INVALID']);
    expect(codes(await check(as('documented', ['shop'], { server_id: own === 1 ? 2 : own - 1 })))).toEqual([]);
  });

  it('settings that lose rows are problems, those that could be better are said', async () => {
    const was = await server.variable('binlog_row_metadata');
    await server.query(
      undefined,
      "SET GLOBAL binlog_format = 'MIXED'; SET GLOBAL binlog_row_image = 'MINIMAL'; SET GLOBAL binlog_row_metadata = 'MINIMAL'",
    );
    await server.query(
      undefined,
      flavor === 'mysql' ? 'SET GLOBAL binlog_expire_logs_seconds = 5400' : 'SET GLOBAL expire_logs_days = 1',
    );
    try {
      const checked = await check(as('documented'));
      expect(codes(checked)).toEqual(['SERVER_SETTING', 'SERVER_SETTING']);
      const set = flavor === 'mysql' ? 'SET PERSIST' : 'SET GLOBAL';
      expect(text(checked)).toContain(
        `binlog_format is MIXED, it must be ROW: else the log has statements instead of rows. Run: ${set} binlog_format = 'ROW';`,
      );
      expect(text(checked)).toContain(`Run: ${set} binlog_row_image = 'FULL';`);
      const lines = checked.lines.join('\n');
      expect(lines).toContain(`Run: ${set} binlog_row_metadata = 'FULL';`);
      expect(lines).toContain(`keeps its log for ${flavor === 'mysql' ? '1.5' : '24'} hours`);
    } finally {
      await server.query(
        undefined,
        `SET GLOBAL binlog_format = 'ROW'; SET GLOBAL binlog_row_image = 'FULL'; SET GLOBAL binlog_row_metadata = '${was}'`,
      );
      await server.query(
        undefined,
        flavor === 'mysql' ? 'SET GLOBAL binlog_expire_logs_seconds = 2592000' : 'SET GLOBAL expire_logs_days = 10',
      );
    }
  });

  it('what foreign keys change is said where the log lacks it', async () => {
    await server.query(
      undefined,
      `CREATE DATABASE family; CREATE TABLE family.parent (id int PRIMARY KEY);
       CREATE TABLE family.child (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES family.parent (id) ON DELETE CASCADE);
       CREATE TABLE family.other (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES family.parent (id));
       GRANT SELECT ON family.* TO documented@'%'`,
    );
    try {
      const checked = await check(as('documented', ['family']));
      expect(checked.problems).toEqual([]);
      // From version 9.6 on MySQL writes them to the log.
      const warning =
        /^warn: Foreign keys change rows of family\.child when .* Read the tables as full refresh, or let .* a trigger /;
      expect(checked.lines.filter(line => line.includes('ON DELETE'))).toEqual(
        flavor === 'mysql' ? [] : [expect.stringMatching(warning)],
      );
    } finally {
      await server.query(undefined, 'DROP DATABASE family');
    }
  });

  it('a starting position that is malformed, or of another server, is found, and a good one is not', async () => {
    const [row] = await server.query(
      undefined,
      flavor === 'mysql' ? 'SELECT @@global.gtid_executed AS at' : 'SELECT @@global.gtid_binlog_pos AS at',
    );
    const at = String(row?.['at']).replaceAll('\n', '');
    const start = async (position: string): Promise<string> => {
      const config = engineConfig(
        server,
        ['shop'],
        { username: 'documented', password: PASSWORD },
        { starting_gtids: { shop: { main: position } } },
      );
      const checked = await check(config);
      return `${codes(checked).join()} ${text(checked)}`;
    };
    expect(await start(at)).toBe(' ');
    const bad = flavor === 'mysql' ? `${at.replace(/:.*/s, '')}:1-x` : '0-1-5,2-x';
    const place = flavor === 'mysql' ? bad.indexOf('x') + 1 : 7;
    expect(await start(bad)).toMatch(
      new RegExp(`^CONFIG_INVALID starting_gtids: "${bad}" of shard "main" .* malformed at character ${place}:`),
    );
    const unknown = flavor === 'mysql' ? '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5' : '7-9-4711';
    expect(await start(unknown)).toMatch(/^POSITION_LOST starting_gtids: /);
    expect(await start('binlog.999999:4')).toMatch(/^POSITION_LOST starting_gtids: .* has no log file binlog.999999/);
  });

  describe('of a server made for other things', () => {
    let other: OwnMysqlServer;
    afterAll(() => other?.stop());

    it('without a log, with filters, without updates of its source, without GTIDs', async () => {
      other = await startMysql({
        flavor,
        settings: { skip_log_bin: '', ...(flavor === 'mysql' ? {} : { log_slave_updates: 'OFF' }) },
      });
      await other.query(undefined, 'CREATE DATABASE shop; CREATE TABLE shop.good (id int PRIMARY KEY)');
      const mute = await check(engineConfig(other, ['shop']));
      expect([codes(mute), text(mute)]).toEqual([
        ['SERVER_SETTING'],
        expect.stringContaining('The server writes no binary log.'),
      ]);

      await other.stop();
      const updates = flavor === 'mysql' ? 'log_replica_updates' : 'log_slave_updates';
      other = await startMysql({
        flavor,
        settings: {
          binlog_ignore_db: 'shop',
          [updates]: 'OFF',
          ...(flavor === 'mysql' ? { gtid_mode: 'OFF', enforce_gtid_consistency: 'OFF' } : {}),
        },
      });
      await other.query(
        undefined,
        `CREATE DATABASE shop; CREATE TABLE shop.good (id int PRIMARY KEY); CREATE USER documented@'%' IDENTIFIED BY '${PASSWORD}';
         GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO documented@'%'; GRANT SELECT ON shop.* TO documented@'%'`,
      );
      const filtered = await check(engineConfig(other, ['shop'], { username: 'documented', password: PASSWORD }));
      expect(text(filtered)).toContain('The log leaves out shop, by binlog_ignore_db');
      expect(text(filtered)).not.toContain(updates);
      if (flavor === 'mysql') {
        expect(codes(filtered)).toEqual(['SERVER_SETTING', 'PERMISSION_DENIED']);
        expect(text(filtered)).toContain("GRANT BACKUP_ADMIN ON *.* TO 'documented'@'%';");
        expect(filtered.lines.join()).toContain('gtid_mode is not ON');
        await other.query(
          undefined,
          "CREATE ROLE backup; GRANT BACKUP_ADMIN ON *.* TO backup; GRANT SELECT ON performance_schema.log_status TO backup; GRANT backup TO documented@'%'; SET DEFAULT ROLE backup TO documented@'%'",
        );
        const granted = await check(engineConfig(other, ['shop'], { username: 'documented', password: PASSWORD }));
        expect(codes(granted)).toEqual(['SERVER_SETTING']);
        // Half of what it takes is not enough; RELOAD is, instead of both.
        for (const [grant, found] of [
          ['BACKUP_ADMIN', ['SERVER_SETTING', 'PERMISSION_DENIED']],
          ['RELOAD', ['SERVER_SETTING']],
        ] as const) {
          const name = grant.toLowerCase();
          await other.query(
            undefined,
            `CREATE USER ${name}@'%' IDENTIFIED BY '${PASSWORD}'; GRANT REPLICATION SLAVE, REPLICATION CLIENT, ${grant} ON *.* TO ${name}@'%'; GRANT SELECT ON shop.* TO ${name}@'%'`,
          );
          expect([grant, codes(await check(engineConfig(other, ['shop'], { username: name, password: PASSWORD })))]).toEqual([
            grant,
            found,
          ]);
        }
      } else expect(codes(filtered)).toEqual(['SERVER_SETTING']);
    });

    it('a replica whose own log lacks what it takes from its source', async () => {
      await other.stop();
      const updates = flavor === 'mysql' ? 'log_replica_updates' : 'log_slave_updates';
      other = await startMysql({ flavor, settings: { [updates]: 'OFF' } });
      await replicate(server, other);
      await caughtUp(server, other);
      const checked = await check(engineConfig(other, ['shop']));
      expect([codes(checked), text(checked)]).toEqual([
        ['SERVER_SETTING'],
        expect.stringContaining(
          `The server is a replica, and its own log lacks what it takes from its source. Add to the section [mysqld] of its option file: ${updates} = ON;`,
        ),
      ]);
      // With the grants of the document alone MariaDB does not say whether it is a replica.
      await other.query(
        undefined,
        `CREATE DATABASE own; CREATE TABLE own.good (id int PRIMARY KEY); CREATE USER reader@'%' IDENTIFIED BY '${PASSWORD}';
         GRANT REPLICATION SLAVE, ${monitor} ON *.* TO reader@'%'; GRANT SELECT ON own.* TO reader@'%'`,
      );
      const reader = engineConfig(other, ['own'], { username: 'reader', password: PASSWORD });
      const documented = await check(reader);
      expect([codes(documented), text(documented)]).toEqual([
        ['SERVER_SETTING'],
        expect.stringMatching(
          flavor === 'mysql' ? /The server is a replica, and/ : /The server is a replica, or was one .* REPLICA MONITOR/,
        ),
      ]);
      await promote(other);
      if (flavor === 'mariadb') await other.query(undefined, "GRANT REPLICA MONITOR ON *.* TO reader@'%'");
      expect(codes(await check(reader))).toEqual([]);
    });

    it('with the number 0, with a list of databases for its log', async () => {
      await other.stop();
      other = await startMysql({ flavor, settings: { server_id: '0', binlog_do_db: 'elsewhere' } });
      await other.query(undefined, 'CREATE DATABASE shop; CREATE TABLE shop.good (id int PRIMARY KEY)');
      const checked = await check(engineConfig(other, ['shop']));
      expect(text(checked)).toContain('The log leaves out shop, by binlog_do_db');
      // MariaDB makes 1 of it.
      expect(codes(checked)).toEqual(flavor === 'mysql' ? ['SERVER_SETTING', 'SERVER_SETTING'] : ['SERVER_SETTING']);
      if (flavor === 'mysql')
        expect(text(checked)).toContain('server_id is 0, and such a server lets nobody read its log. Run: SET');
    });
  });
});

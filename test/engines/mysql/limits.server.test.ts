import { expect, it } from 'vitest';
import { configuredCatalog } from '../../kit/catalog.ts';
import { exactRecords } from '../../kit/destination.ts';
import { expectSound, secretsOf } from '../../kit/invariants.ts';
import type { JsonObject, StateBody } from '../../kit/messages.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { ChaosProxy } from '../../kit/proxy.ts';
import { describeRun, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { type MysqlServer, query, startMysql } from '../../kit/servers/mysql.ts';
import { committed, holdCommits } from '../../kit/servers/mysql-replication.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { brief, createThing, failureOf, inLab, type Lab, peakMegabytes, positionOf, series, table, thing } from './lab.ts';

const megabyte = 2 ** 20;

describeMysql(flavor => {
  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor), body);

  const compressions = flavor === 'mysql' ? ['OFF', 'ON'] : ['OFF'];

  it.each(compressions)(
    '#23, #32 a transaction of 300 MB is read in flat memory, and killed in the middle nothing of it is lost (compressed: %s)',
    async compressed => {
      await lab(async lab => {
        await lab.sql(createThing);
        const platform = await lab.connect();
        await platform.sync();
        const client = await lab.client();
        if (flavor === 'mysql') await query(client, `SET binlog_transaction_compression = ${compressed}`);
        const text = 'CONCAT(REPEAT(CHAR(97 + i % 26), 6000), REPEAT(SHA2(i, 256), 62), SHA2(RAND(), 256))';
        await query(
          client,
          `BEGIN; INSERT INTO thing SELECT i, ${text}, i FROM ${series(10_000)}; UPDATE thing SET n = n + 1; COMMIT`,
        );
        const killed = await platform.run({ killAfter: { lines: 9000 }, mayFail: true });
        platform.store(killed);
        let most = 0;
        const run = await platform.sync({
          onLine: (_, running) => {
            if (running.lines.length % 500 === 0) most = Math.max(most, peakMegabytes(running));
          },
        });
        expect(run.records).toHaveLength(20_000);
        console.log(`${flavor}, compressed ${compressed}: ${Math.round(most)} MB at most`);
        expect(most).toBeGreaterThan(20);
        expect(most).toBeLessThanOrEqual(150);
        await platform.expectEqual([thing]);
      })();
    },
  );

  it(
    'a row of more than 16 MiB, which takes several packets, comes whole by snapshot, log and full refresh',
    lab(async lab => {
      const big = 18 * megabyte;
      await lab.sql(`${createThing} INSERT INTO thing VALUES (1, REPEAT('snapshot', ${big / 8}), 1), (2, 'small', 2)`);
      const platform = await lab.connect();
      const first = await platform.sync();
      expect(first.records.map(record => String(record.data['text']).length)).toEqual([big, 5]);
      await lab.sql(`INSERT INTO thing VALUES (3, REPEAT('inserted', ${big / 8}), 3); UPDATE thing SET n = 7 WHERE id = 1`);
      const second = await platform.sync();
      expect(second.records.map(record => String(record.data['text']).slice(-8))).toEqual(['inserted', 'snapshot']);
      await platform.expectEqual([thing]);
    }),
  );

  it(
    'a table of 300 columns comes whole by snapshot, log, values read again and full refresh',
    lab(async lab => {
      const names = Array.from({ length: 298 }, (_, at) => `c${at}`);
      const virtual = `v int AS (c0 + 1) VIRTUAL`;
      await lab.sql(`CREATE TABLE wide (id int PRIMARY KEY, ${names.map(name => `${name} int`).join(', ')}, ${virtual})`);
      const row = (id: number): string => `(${id}, ${names.map((_, at) => id * 1000 + at).join(', ')})`;
      const insert = `INSERT INTO wide (id, ${names.join(', ')}) VALUES`;
      await lab.sql(`${insert} ${row(1)}, ${row(2)}`);
      const wide = table('wide', { id: 'integer', ...Object.fromEntries([...names, 'v'].map(name => [name, 'integer'])) });
      const platform = await lab.connect();
      expect((await platform.sync()).records).toHaveLength(2);
      await platform.expectEqual([wide]);
      // Without the columns that did not change, all but three are read again.
      await lab.sql(
        `${insert} ${row(3)}; SET SESSION binlog_row_image = 'MINIMAL'; UPDATE wide SET c0 = 7, c297 = 8 WHERE id = 1`,
      );
      expect((await platform.sync()).records).toHaveLength(2);
      await platform.expectEqual([wide]);
      const refreshed = await lab.connect({ modes: { '*': 'full_refresh' } });
      expect((await refreshed.sync()).records).toHaveLength(3);
      await refreshed.expectEqual([wide]);
    }),
  );

  it(
    '#42 two reads with one server_id: neither loses anything, whoever is pushed out says so',
    lab(async lab => {
      await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(50)}`);
      const serverId = 1_000_000 + Math.floor(Math.random() * 1_000_000);
      const one = await lab.connect({}, {}, { server_id: serverId });
      await one.sync();
      const two = one.fork();
      await lab.sql(`INSERT INTO thing SELECT 1000 + i, REPEAT('x', 500), i FROM ${series(3000)}`);
      const runs = await Promise.all([
        one.run({ mayFail: true, slowReader: { afterLines: 50, milliseconds: 1500 } }),
        two.run({ mayFail: true, slowReader: { afterLines: 50, milliseconds: 1500 } }),
      ]);
      for (const [at, platform] of [one, two].entries()) {
        const run = runs[at];
        if (run === undefined) continue;
        if (run.exitCode !== 0) expect(failureOf(run)).toMatch(/transient_error/);
        platform.store(run);
        await platform.sync();
        await platform.expectEqual([thing]);
      }
    }),
  );

  it(
    '#21, #41 names with spaces, quotes, dots and letters in two cases are names like others',
    lab(async lab => {
      const names = ['with space', 'do.t', "quo'te", 'back``tick', 'Upper', 'upper_', 'ünï', 'select', '$x'];
      for (const name of names) {
        await lab.sql(
          `CREATE TABLE \`${name}\` (\`the id\` int, \`k.2\` int, \`Val"ue\` longtext, PRIMARY KEY (\`k.2\`, \`the id\`)); INSERT INTO \`${name}\` VALUES (1, 2, 'a'), (2, 1, 'b')`,
        );
      }
      const platform = await lab.connect();
      await platform.sync();
      for (const name of names) {
        await lab.sql(
          `UPDATE \`${name}\` SET \`Val"ue\` = 'c' WHERE \`the id\` = 1; ALTER TABLE \`${name}\` ADD COLUMN \`o;'"ther\` int FIRST; DELETE FROM \`${name}\` WHERE \`k.2\` = 1`,
        );
      }
      await platform.sync();
      await platform.expectEqual(
        names.map(name =>
          table(name.replace('``', '`'), { 'the id': 'integer', 'k.2': 'integer', 'Val"ue': 'text' }, ['k.2', 'the id']),
        ),
      );
    }),
  );

  it(
    'a right that is taken away between two reads is named, and given back the read goes on',
    lab(async lab => {
      await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'a', 1)`);
      const platform = await lab.connect();
      await platform.sync();
      const who = `'${lab.database.name}'@'%'`;
      await lab.sql(`REVOKE REPLICATION SLAVE ON *.* FROM ${who}; UPDATE thing SET n = 2`);
      expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/config_error \/ PERMISSION_DENIED/);
      await lab.sql(`GRANT REPLICATION SLAVE ON *.* TO ${who}; REVOKE SELECT ON \`${lab.database.name}\`.* FROM ${who}`);
      expect(failureOf(await platform.run({ mayFail: true }))).toMatch(
        /config_error \/ DATABASE_UNKNOWN: .*the user has no right in it/,
      );
      await lab.sql(`GRANT SELECT ON \`${lab.database.name}\`.* TO ${who}`);
      await platform.sync();
      await platform.expectEqual([thing]);
    }),
  );
});

describeMysql(flavor => {
  it('shards[]: each has its position; while one is down the other is read on, and then both are', async () => {
    const [one, two] = [await acquireMysql(flavor, 'FULL'), await acquireMysql(flavor, 'MINIMAL')] as const;
    await inLab(
      () => one,
      async lab => {
        const { name } = lab.database;
        await two.createDatabase(name);
        await two.createReader(name, [name]);
        lab.later(() => two.dropDatabase(name));
        const proxy = await ChaosProxy.start(two);
        lab.later(() => proxy.stop());
        const both = async (sql: (server: number) => string): Promise<void> => {
          for (const [at, server] of ([one, two] as MysqlServer[]).entries()) await server.query(name, sql(at));
        };
        await both(at => `${createThing} INSERT INTO thing VALUES (1, 'x', ${at}), (${10 * (at + 1)}, 'y', ${at})`);
        const shards = [
          { name: 'one', host: one.host, port: one.port },
          { name: 'Two, far', host: '127.0.0.1', port: proxy.port },
        ];
        const config: JsonObject = lab.database.config({ source: { shards } });
        const catalog = configuredCatalog(await discoverCatalog(config));
        const read = async (state: readonly StateBody[]) => {
          const run = await runConnector({ command: 'read', config, catalog, ...(state.length > 0 && { state }) });
          return expectSound(run, { catalog, secrets: secretsOf(config) });
        };
        const rows = (run: Awaited<ReturnType<typeof read>>): string[] =>
          exactRecords(run, 'thing')
            .map(row => `${row['_ab_source_shard']} ${row['id']} ${row['text']}`.replaceAll('\0', ''))
            .sort();
        const first = await read([]);
        expect(rows(first)).toHaveLength(4);
        await both(at => `UPDATE thing SET text = 'second ${at}' WHERE id = 1`);
        proxy.setMode('refuse');
        const second = await read(first.states.slice(-1));
        expect(second.exitCode).toBe(1);
        expect(failureOf(second)).toMatch(/transient_error/);
        expect(rows(second)).toEqual(['one 1 second 0']);
        proxy.setMode('forward');
        const third = await read(second.states.slice(-1));
        expect(third.exitCode).toBe(0);
        const seen = new Set([...rows(second), ...rows(third)]);
        expect(seen).toContain('one 1 second 0');
        expect(seen).toContain('Two, far 1 second 1');
        expect(positionOf(third.states, 'Two, far').clock).toBeGreaterThan(positionOf(first.states, 'Two, far').clock);
      },
    )();
  });

  it('shards[]: starting_gtids has a position for each, and each reads what came behind its own; a state wins over them', async () => {
    const servers = [await acquireMysql(flavor, 'FULL'), await acquireMysql(flavor, 'MINIMAL')] as const;
    await inLab(
      () => servers[0],
      async lab => {
        const { name } = lab.database;
        const [one, two] = servers;
        await two.createDatabase(name);
        await two.createReader(name, [name]);
        lab.later(() => two.dropDatabase(name));
        for (const server of servers)
          await server.query(name, `${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(10)}`);
        const seeds = { one: await committed(one), two: '' };
        await one.query(
          name,
          "INSERT INTO thing VALUES (100, 'new', 1); UPDATE thing SET n = 0 WHERE id = 3; DELETE FROM thing WHERE id = 4",
        );
        // The second begins later: what came in front of its position is not read.
        await two.query(name, "INSERT INTO thing VALUES (200, 'too early', 1); DELETE FROM thing WHERE id = 1");
        seeds.two = await committed(two);
        await two.query(name, 'DELETE FROM thing WHERE id = 5; UPDATE thing SET n = 7 WHERE id = 200');
        const shards = servers.map(({ host, port }, at) => ({ name: at === 0 ? 'one' : 'two', host, port }));
        const config = (starts: JsonObject): JsonObject =>
          lab.database.config({ source: { shards }, more: { starting_gtids: { [name]: starts } } });
        const catalog = configuredCatalog(await discoverCatalog(config(seeds)));
        const read = async (starts: JsonObject, state: readonly StateBody[]) => {
          const run = await runConnector({
            command: 'read',
            config: config(starts),
            catalog,
            ...(state.length > 0 && { state }),
          });
          return expectSound(run, { catalog, secrets: secretsOf(config(starts)) });
        };
        /** Shard by shard, in the order of each. */
        const rows = (run: RunResult): string[][] =>
          ['one', 'two'].map(shard => brief(run, 'thing', '_ab_source_shard', 'id').filter(row => row.includes(`"${shard}"`)));
        const first = await read(seeds, []);
        if (first.exitCode !== 0) throw new Error(describeRun(first));
        expect(rows(first)).toEqual([
          ['"one" 100', '"one" 3', 'gone "one" 4'],
          ['gone "two" 5', '"two" 200'],
        ]);
        await one.query(name, 'DELETE FROM thing WHERE id = 100');
        await two.query(name, "INSERT INTO thing VALUES (201, 'later', 1)");
        const next = [['gone "one" 100'], ['"two" 201']];
        const second = await read(seeds, first.states.slice(-1));
        expect([second.exitCode, rows(second)]).toEqual([0, next]);
        // Not even looked at: from there nothing could be read.
        const far = flavor === 'mysql' ? `${seeds.one.split(':')[0]}:1-99999999` : '0-1-99999999';
        const third = await read({ one: far, two: far }, first.states.slice(-1));
        expect([third.exitCode, rows(third)]).toEqual([0, next]);
        expect(failureOf(await read({ one: seeds.one, two: far }, []))).toMatch(/POSITION_LOST/);
      },
    )();
  });

  it('shards[]: one behind a commit that hangs, one far away, and the third is read to its end meanwhile', async () => {
    const held = await startMysql({ flavor });
    const [near, far] = [await acquireMysql(flavor, 'FULL'), await acquireMysql(flavor, 'MINIMAL')] as const;
    try {
      await inLab(
        () => near,
        async lab => {
          const { name } = lab.database;
          for (const server of [held, far]) {
            await server.createDatabase(name);
            await server.createReader(name, [name]);
            lab.later(() => server.dropDatabase(name));
          }
          const proxy = await ChaosProxy.start(far);
          lab.later(() => proxy.stop());
          const servers = [near, far, held];
          for (const [at, server] of servers.entries()) {
            await server.query(name, `${createThing} INSERT INTO thing SELECT i, 'old', ${at} FROM ${series(200)}`);
          }
          const shards = [
            { name: 'near', host: near.host, port: near.port },
            { name: 'far', host: '127.0.0.1', port: proxy.port },
            { name: 'held', host: held.host, port: held.port },
          ];
          const config: JsonObject = lab.database.config({ source: { shards } });
          const catalog = configuredCatalog(await discoverCatalog(config));
          const first = await runConnector({ command: 'read', config, catalog });
          expect(first.exitCode).toBe(0);
          for (const server of servers) await server.query(name, "UPDATE thing SET text = 'new' WHERE id <= 20");
          const client = await held.client(name);
          const commits = await holdCommits(held);
          lab.later(() => commits.release());
          const done = query(client, "UPDATE thing SET text = 'held' WHERE id <= 5").catch(() => {});
          await commits.waiting(1);
          proxy.delayMilliseconds = 30;
          const run = await runConnector({ command: 'read', config, catalog, state: first.states.slice(-1) });
          const rows = (run: RunResult, shard: string, text: string): number =>
            exactRecords(run, 'thing').filter(row => row['_ab_source_shard'] === shard && row['text'] === text).length;
          if (run.exitCode !== 0) throw new Error(describeRun(run));
          expect([rows(run, 'near', 'new'), rows(run, 'far', 'new'), rows(run, 'held', 'new')]).toEqual([20, 20, 20]);
          await commits.release();
          await done;
          await client.end();
          proxy.delayMilliseconds = 0;
          const last = await runConnector({ command: 'read', config, catalog, state: run.states.slice(-1) });
          expect(last.exitCode).toBe(0);
          expect(rows(run, 'held', 'held') + rows(last, 'held', 'held')).toBeGreaterThanOrEqual(5);
        },
      )();
    } finally {
      await held.stop();
    }
  });
});

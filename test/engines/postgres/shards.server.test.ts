import { expect, it } from 'vitest';
import { configuredCatalog } from '../../kit/catalog.ts';
import { describeServer } from '../../kit/engines.ts';
import { expectSound, secretsOf } from '../../kit/invariants.ts';
import type { ConfiguredCatalog, JsonObject, RecordBody, StateBody } from '../../kit/messages.ts';
import { ChaosProxy } from '../../kit/proxy.ts';
import { describeRun, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { type PostgresServer, postgresUnavailable } from '../../kit/servers/postgres.ts';
import { acquirePostgres } from '../../kit/servers/shared.ts';
import { createThing, failureOf, inLab, type Lab, positionOf } from './lab.ts';

/** Two databases on one server, and one on another: they all have the table, each with rows of its own. */
class Shards {
  readonly lab: Lab;
  readonly proxy: ChaosProxy;
  readonly databases: readonly { readonly name: string; readonly server: PostgresServer; readonly database: string }[];

  constructor(lab: Lab, proxy: ChaosProxy, second: string, elsewhere: PostgresServer, third: string) {
    this.lab = lab;
    this.proxy = proxy;
    this.databases = [
      { name: 'one', server: lab.server, database: lab.database.name },
      { name: 'Two, far', server: lab.server, database: second },
      { name: 'three', server: elsewhere, database: third },
    ];
  }

  static async make(lab: Lab): Promise<Shards> {
    const elsewhere = await acquirePostgres(14);
    const second = await lab.server.createDatabase();
    lab.later(() => lab.server.dropDatabase(second));
    const third = await elsewhere.createDatabase();
    lab.later(() => elsewhere.dropDatabase(third));
    const proxy = await ChaosProxy.start(elsewhere);
    lab.later(() => proxy.stop());
    const shards = new Shards(lab, proxy, second, elsewhere, third);
    for (const [at] of shards.databases.entries())
      await shards.sql(at, `${createThing} INSERT INTO thing VALUES (1, 'x'), (${10 * (at + 1)}, 'y')`);
    return shards;
  }

  sql(at: number, sql: string): Promise<unknown> {
    const where = this.databases[at];
    if (where === undefined) throw new Error(`no shard ${at}`);
    return where.server.query(where.database, sql);
  }

  config(more: JsonObject = {}): JsonObject {
    const shards = this.databases.map(({ name, server, database }) => {
      const away = server !== this.lab.server;
      return { name, database, host: '127.0.0.1', port: away ? this.proxy.port : server.port };
    });
    return this.lab.database.config({ source: { shards }, more });
  }

  async read(catalog: ConfiguredCatalog, state: readonly StateBody[], more: JsonObject = {}): Promise<RunResult> {
    const config = this.config(more);
    const run = await runConnector({ command: 'read', config, catalog, ...(state.length > 0 && { state }) });
    return expectSound(run, { catalog, secrets: secretsOf(config) });
  }
}

const rows = (records: readonly RecordBody[]): string[] =>
  records.map(({ data }) => `${data['_ab_source_shard']} ${data['id']} ${data['text']}`).sort();

describeServer(
  'PostgreSQL 18 and 14, an application-sharded database',
  postgresUnavailable(18) ?? postgresUnavailable(14),
  () => {
    it(
      'shards[]: each has its position and its clock, and rows say where they are from',
      inLab(18, async lab => {
        const shards = await Shards.make(lab);
        const catalog = configuredCatalog(await discoverCatalog(shards.config()));
        const first = await shards.read(catalog, []);
        expect(first.exitCode, describeRun(first)).toBe(0);
        expect(rows(first.records)).toEqual(['Two, far 1 x', 'Two, far 20 y', 'one 1 x', 'one 10 y', 'three 1 x', 'three 30 y']);
        await shards.sql(0, "UPDATE thing SET text = 'a' WHERE id = 1");
        await shards.sql(1, 'DELETE FROM thing WHERE id = 1');
        await shards.sql(2, "INSERT INTO thing VALUES (31, 'c')");
        const second = await shards.read(catalog, first.states.slice(-1));
        expect(rows(second.records)).toEqual(['Two, far 1 undefined', 'one 1 a', 'three 31 c']);
        for (const { name } of shards.databases) {
          expect(positionOf(second.states, name).clock).toBeGreaterThan(positionOf(first.states, name).clock);
        }
      }),
    );

    it(
      'shards[]: one is down: the others go on, the read ends as failed, and nothing is lost',
      inLab(18, async lab => {
        const shards = await Shards.make(lab);
        const catalog = configuredCatalog(await discoverCatalog(shards.config()));
        let state = (await shards.read(catalog, [])).states.slice(-1);
        shards.proxy.bytesDown = 0;
        state = (await shards.read(catalog, state)).states.slice(-1);
        const whole = shards.proxy.bytesDown;
        for (const at of [0, 1, 2]) await shards.sql(at, `INSERT INTO thing VALUES (2, 'while ${at}')`);
        // Breaks in the middle of whatever is said: the shard fails after the read has begun.
        shards.proxy.bytesDown = 0;
        shards.proxy.cutAfterBytes = Math.ceil(whole * 0.8);
        const broken = await shards.read(catalog, state);
        expect(failureOf(broken)).toMatch(/^transient_error/);
        shards.proxy.cutAfterBytes = null;
        const seen = rows(broken.records);
        state = broken.states.length > 0 ? broken.states.slice(-1) : state;
        const next = await shards.read(catalog, state);
        expect(next.exitCode, describeRun(next)).toBe(0);
        const all = new Set([...seen, ...rows(next.records)]);
        expect([...all].sort()).toEqual(['Two, far 2 while 1', 'one 2 while 0', 'three 2 while 2']);
      }),
    );

    it(
      'shards[]: one is down before the read begins: the others are read all the same',
      inLab(18, async lab => {
        const shards = await Shards.make(lab);
        const catalog = configuredCatalog(await discoverCatalog(shards.config()));
        const state = (await shards.read(catalog, [])).states.slice(-1);
        for (const at of [0, 1, 2]) await shards.sql(at, `INSERT INTO thing VALUES (2, 'while ${at}')`);
        shards.proxy.setMode('refuse');
        const broken = await shards.read(catalog, state);
        expect(failureOf(broken)).toMatch(/^transient_error/);
        expect(rows(broken.records)).toEqual(['Two, far 2 while 1', 'one 2 while 0']);
        shards.proxy.setMode('forward');
        const next = await shards.read(catalog, broken.states.slice(-1));
        expect(next.exitCode, describeRun(next)).toBe(0);
        expect(rows(next.records)).toEqual(['three 2 while 2']);
      }),
    );

    it(
      'shards[]: the position of one is lost: that one is read anew, the others go on from theirs',
      inLab(18, async lab => {
        const shards = await Shards.make(lab);
        const catalog = configuredCatalog(await discoverCatalog(shards.config()));
        const state = (await shards.read(catalog, [])).states.slice(-1);
        for (const at of [0, 1, 2]) await shards.sql(at, `INSERT INTO thing VALUES (2, 'while ${at}')`);
        const database = shards.databases[1]?.database;
        await shards.sql(
          1,
          `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '${database}'`,
        );
        const failed = await shards.read(catalog, state);
        expect(failureOf(failed)).toMatch(/^config_error \/ POSITION_LOST/);
        expect(rows(failed.records)).toEqual(['one 2 while 0', 'three 2 while 2']);
        const healed = await shards.read(catalog, failed.states.slice(-1), { invalid_position: 'resnapshot' });
        expect(healed.exitCode, describeRun(healed)).toBe(0);
        expect(rows(healed.records)).toEqual(['Two, far 1 x', 'Two, far 2 while 1', 'Two, far 20 y']);
      }),
    );

    it(
      'starting_gtids seeds one shard; the others take their snapshots; a state wins for the shards that it names',
      inLab(18, async lab => {
        const shards = await Shards.make(lab);
        const catalog = configuredCatalog(await discoverCatalog(shards.config()));
        const { name } = lab.database;
        await shards.sql(0, `CREATE PUBLICATION "${name}" FOR TABLE thing`);
        await shards.sql(0, `SELECT pg_create_logical_replication_slot('${name}_one', 'pgoutput')`);
        const [at] = (await shards.sql(0, 'SELECT pg_current_wal_flush_lsn()::text AS lsn')) as [{ lsn: string }];
        await shards.sql(0, "INSERT INTO thing VALUES (2, 'new')");
        const run = await shards.read(catalog, [], { starting_gtids: { [name]: { one: at.lsn } } });
        expect(run.exitCode, describeRun(run)).toBe(0);
        expect(rows(run.records)).toEqual(['Two, far 1 x', 'Two, far 20 y', 'one 2 new', 'three 1 x', 'three 30 y']);
        const next = await shards.read(catalog, run.states.slice(-1), { starting_gtids: { [name]: { one: at.lsn } } });
        expect(rows(next.records)).toEqual([]);
      }),
    );
  },
);

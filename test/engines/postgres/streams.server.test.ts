import { beforeAll, expect, it } from 'vitest';
import { streamStates } from '../../kit/catalog.ts';
import { describePostgres } from '../../kit/engines.ts';
import { isState, type StateBody } from '../../kit/messages.ts';
import { describeRun } from '../../kit/run-connector.ts';
import { sleep } from '../../kit/servers/process.ts';
import { brief, describeMajor, failureOf, inLab, positionOf, table } from './lab.ts';

const a = table('a', { id: 'integer', text: 'text' });
const b = table('b', { id: 'integer', text: 'text' });
const create = `CREATE TABLE a (id bigint PRIMARY KEY, text text); CREATE TABLE b (id bigint PRIMARY KEY, text text);
  INSERT INTO a SELECT i, 'a' FROM generate_series(1, 20) i; INSERT INTO b SELECT i, repeat('b', 300) FROM generate_series(1, 3000) i;`;

/** Takes a minute in which next to nothing happens: it runs beside the others. */
const heldForLonger = inLab(14, async lab => {
  await lab.sql(create);
  // The holder answers nobody, and is not to be thrown out for it.
  await lab.sql(`ALTER DATABASE ${lab.database.name} SET wal_sender_timeout = 0`);
  const { name } = lab.database;
  const platform = await lab.connect();
  await platform.sync();
  await lab.sql("UPDATE a SET text = 'waiting'");
  const holder = await lab.server.client(name, { replication: 'database' } as object);
  const streaming = holder
    .query(`START_REPLICATION SLOT "${name}" LOGICAL 0/0 (proto_version '1', publication_names '"${name}"')`)
    .catch(() => {});
  await lab.until(`(SELECT active FROM pg_replication_slots WHERE slot_name = '${name}')`);
  const pid = (await lab.slot())?.['active_pid'];
  const run = await platform.run({ mayFail: true, timeoutMilliseconds: 90_000 });
  expect(failureOf(run)).toMatch(new RegExp(`^transient_error / SLOT_BUSY: .*process ${pid} `));
  platform.store(run);
  await lab.sql(`SELECT pg_terminate_backend(${pid})`);
  await streaming;
  await holder.end().catch(() => {});
  await platform.sync();
  await platform.expectEqual([a, b]);
});

let held: Promise<void> = Promise.resolve();
beforeAll(() => {
  held = heldForLonger();
  held.catch(() => {});
});

describePostgres(major => {
  it(
    '#62 a table that joins: its snapshot is killed and resumed while both change; the other is never held up',
    inLab(major, async lab => {
      await lab.sql(create);
      const platform = await lab.connect({ streams: ['a'] });
      await platform.sync();
      await platform.reconfigure({ streams: ['a', 'b'] });
      for (let round = 1; round <= 3; round++) {
        await lab.sql(
          `UPDATE a SET text = 'a${round}' WHERE id <= 5; UPDATE b SET id = -id, text = 'moved ${round}' WHERE id % 50 = ${round}`,
        );
        await lab.sql(`DELETE FROM b WHERE id % 50 = ${10 + round}; INSERT INTO b VALUES (${10_000 + round}, 'new')`);
        const run = await platform.run({
          killAfter: { when: (line, lines) => isState(line) && line.includes('"cursor"') && lines > 200 },
          mayFail: true,
        });
        expect(run.signal, describeRun(run)).toBe('SIGKILL');
        expect(brief(run, 'a', 'text')).toEqual(Array(5).fill(`"a${round}"`));
        platform.store(run);
      }
      await platform.sync();
      await platform.expectEqual([a, b]);
    }),
  );

  it(
    '#9 one stream goes on alone while another is out of the catalog, and comes back',
    inLab(major, async lab => {
      await lab.sql(create);
      const platform = await lab.connect();
      await platform.sync();
      await platform.reconfigure({ streams: ['a'] });
      await lab.sql("UPDATE b SET text = 'unseen' WHERE id < 10; DELETE FROM b WHERE id = 11; UPDATE a SET text = 'seen'");
      await platform.sync();
      await platform.sync();
      await platform.reconfigure({ streams: ['a', 'b'] });
      await platform.sync();
      await lab.sql("UPDATE b SET text = 'seen again' WHERE id = 12");
      await platform.sync();
      await platform.expectEqual([a, b]);
    }),
  );
});

describeMajor(18, major => {
  it(
    'STREAM states that stand apart: each stream leaves out what it has, none misses anything',
    inLab(major, async lab => {
      await lab.sql(create);
      const platform = await lab.connect({}, { state_type: 'per_stream' });
      await platform.sync();
      for (let round = 1; round <= 3; round++) {
        await lab.sql(
          `UPDATE a SET text = 'a${round}'; UPDATE b SET text = 'b${round}' WHERE id <= 30; DELETE FROM b WHERE id = ${100 + round}`,
        );
        const before = platform.stored;
        const run = await platform.run();
        platform.store(run);
        await platform.expectEqual([a, b]);
        // The platform lost what it had stored of one of the two: that one comes again, the other does not.
        const kept = round % 2 === 0 ? 'a' : 'b';
        platform.stored = platform.stored.map(state =>
          state.stream?.stream_descriptor.name === kept
            ? state
            : (before.find(old => old.stream?.stream_descriptor.name === state.stream?.stream_descriptor.name) ?? state),
        );
        expect(streamStates(platform.stored).size).toBe(2);
        const again = await platform.sync();
        expect(brief(again, kept, 'id')).toEqual([]);
        expect(brief(again, kept === 'a' ? 'b' : 'a', 'id').length).toBeGreaterThan(19);
        await platform.expectEqual([a, b]);
      }
    }),
  );

  it(
    '#9 STREAM states, and a stream that was away while the slot went on: said, or right; never a gap',
    inLab(major, async lab => {
      await lab.sql(create);
      const platform = await lab.connect({}, { state_type: 'per_stream' });
      await platform.sync();
      const away = platform.stored.filter(state => state.stream?.stream_descriptor.name === 'b');
      await platform.reconfigure({ streams: ['a'] });
      platform.stored = platform.stored.filter(state => state.stream?.stream_descriptor.name === 'a');
      await lab.sql("UPDATE b SET text = 'unseen' WHERE id < 10; UPDATE a SET text = 'seen'");
      await platform.sync();
      await lab.sql("UPDATE a SET text = 'seen again'");
      await platform.sync();
      await platform.reconfigure({ streams: ['a', 'b'] });
      platform.stored = [...platform.stored, ...away];
      const run = await platform.run({ mayFail: true });
      platform.store(run);
      if (run.exitCode !== 0) {
        expect(failureOf(run)).toMatch(/^config_error \/ POSITION_LOST/);
        await platform.sync({
          config: lab.database.config({ more: { state_type: 'per_stream', invalid_position: 'resnapshot' } }),
        });
      }
      await platform.expectEqual([a, b]);
    }),
  );

  it(
    'from GLOBAL to STREAM states and back, in the middle of it all',
    inLab(major, async lab => {
      await lab.sql(create);
      const platform = await lab.connect();
      for (const [round, form] of (['global', 'per_stream', 'global', 'per_stream'] as const).entries()) {
        const config = lab.database.config({ more: { state_type: form } });
        const killed = await platform.run({ config, killAfter: { lines: 40 }, mayFail: true });
        platform.stored = killed.states.length > 0 ? [] : platform.stored;
        if (killed.states.length === 0) platform.everything.apply(killed);
        else platform.store(killed);
        const run = await platform.run({ config });
        platform.stored = [];
        platform.store(run);
        await platform.expectEqual([a, b]);
        await lab.sql(`UPDATE a SET text = 'a${round}'; UPDATE b SET id = id + 100000 WHERE id % 100 = ${round}`);
      }
      await platform.sync({ config: lab.database.config({ more: { state_type: 'per_stream' } }) });
      await platform.expectEqual([a, b]);
    }),
  );

  it(
    'killed while the slot is being made, with a transaction open that it waits for',
    inLab(major, async lab => {
      await lab.sql(create);
      const client = await lab.client();
      await client.query("BEGIN; INSERT INTO a VALUES (100, 'open')");
      const platform = await lab.connect();
      const killed = await platform.run({ killAfter: { milliseconds: 2000 }, mayFail: true });
      expect(killed.records).toEqual([]);
      platform.store(killed);
      const running = platform.run();
      await sleep(1500);
      await client.query('COMMIT');
      platform.store(await running);
      await lab.sql("UPDATE a SET text = 'later' WHERE id = 100");
      await platform.sync();
      await platform.expectEqual([a, b]);
      expect(positionOf(platform.stored).clock).toBeGreaterThan(0);
    }),
  );

  it(
    'states of two clusters: a lost position, and where that is allowed only the tables of the other one are read anew',
    inLab(major, async lab => {
      await lab.sql(create);
      const platform = await lab.connect({}, { state_type: 'per_stream' });
      await platform.sync();
      await lab.sql("UPDATE a SET text = 'x' WHERE id = 3; UPDATE b SET text = 'y' WHERE id = 4");
      const elsewhere = (text: string): string => text.replace(/"system":"\d+"/, '"system":"4711"');
      platform.stored = platform.stored.map(state =>
        state.stream?.stream_descriptor.name === 'a' ? (JSON.parse(elsewhere(JSON.stringify(state))) as StateBody) : state,
      );
      const before = [...platform.stored];
      const failed = await platform.run({ mayFail: true });
      expect(failureOf(failed)).toMatch(/^config_error \/ POSITION_LOST/);
      platform.store(failed);
      expect(streamStates(platform.stored)).toEqual(streamStates(before));
      const config = lab.database.config({ more: { state_type: 'per_stream', invalid_position: 'resnapshot' } });
      const run = await platform.sync({ config });
      expect([a, b].map(({ name }) => run.records.filter(({ stream }) => stream === name).length)).toEqual([20 + 1, 1]);
      await platform.expectEqual([a, b]);
    }),
  );

  it(
    '#19 FOR TABLES IN SCHEMA, and a schema that was out of the publication for a while',
    inLab(major, async lab => {
      const { name } = lab.database;
      await lab.sql(`${create} CREATE PUBLICATION "${name}" FOR TABLES IN SCHEMA public`);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql("UPDATE a SET text = 'x'; CREATE TABLE c (id bigint PRIMARY KEY)");
      await platform.sync();
      await platform.expectEqual([a, b]);
      await lab.sql(`ALTER PUBLICATION "${name}" DROP TABLES IN SCHEMA public`);
      await lab.sql("UPDATE a SET text = 'unseen' WHERE id = 3");
      await lab.sql(`ALTER PUBLICATION "${name}" ADD TABLES IN SCHEMA public`);
      await platform.sync();
      await platform.expectEqual([a, b]);
    }),
  );
});

describeMajor(14, () => {
  it('the slot is held for longer than a minute: transient, with the process that holds it, and nothing moved', () => held);
});

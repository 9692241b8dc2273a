import { describe, expect, it } from 'vitest';
import { fullState } from '../../kit/catalog.ts';
import { bagDifferences, exactRecords, rowsOf } from '../../kit/destination.ts';
import { describePostgres } from '../../kit/engines.ts';
import { digits, isState } from '../../kit/messages.ts';
import { brief, createThing, describeMajor, failureOf, inLab, lsn, positionOf, table, thing } from './lab.ts';

describeMajor(14, major => {
  describe('keys', () => {
    it(
      '#11 a key that changes is a delete of the old and an insert of the new, also as the last of a transaction',
      inLab(major, async lab => {
        await lab.sql(createThing);
        const platform = await lab.connect();
        await lab.sql("INSERT INTO thing VALUES (1, 'a'), (2, 'b'), (3, 'c')");
        await platform.sync();
        await lab.sql("UPDATE thing SET id = 10 WHERE id = 1; UPDATE thing SET id = 20, text = 'B' WHERE id = 2");
        const run = await platform.sync();
        expect(brief(run, 'thing', 'id', 'text')).toEqual(['gone 1 null', '10 "a"', 'gone 2 null', '20 "B"']);
        // A chain and a swap, each row's last word must win.
        await lab.sql(
          'BEGIN; UPDATE thing SET id = 11 WHERE id = 10; UPDATE thing SET id = 10 WHERE id = 3; UPDATE thing SET id = 3 WHERE id = 11; COMMIT',
        );
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      '#11 a table without a key, REPLICA IDENTITY FULL: each change as it was, rows that are alike told apart by count',
      inLab(major, async lab => {
        await lab.sql('CREATE TABLE loose (a bigint, b text); ALTER TABLE loose REPLICA IDENTITY FULL');
        await lab.sql("INSERT INTO loose VALUES (1, 'x'), (1, 'x'), (2, NULL)");
        const platform = await lab.connect();
        const first = await platform.run();
        expect(brief(first, 'loose', 'a', 'b')).toEqual(['1 "x"', '1 "x"', '2 null']);
        platform.stored = fullState(first.states);
        await lab.sql("UPDATE loose SET b = 'y' WHERE a = 2; DELETE FROM loose WHERE a = 1");
        const second = await platform.run();
        expect(brief(second, 'loose', 'a', 'b')).toEqual(['2 "y"', 'gone 1 "x"', 'gone 1 "x"']);
      }),
    );

    it(
      'a full refresh that was killed, and whose table has another key then, gives every row',
      inLab(major, async lab => {
        await lab.sql(createThing);
        await lab.sql("INSERT INTO thing SELECT i, lpad((1000 - i)::text, 4, '0') FROM generate_series(1, 1000) i");
        const platform = await lab.connect({ modes: { '*': 'full_refresh' } });
        let states = 0;
        const when = (line: string): boolean => isState(line) && ++states === 3;
        const killed = await platform.run({ mayFail: true, killAfter: { when } });
        await lab.sql('ALTER TABLE thing DROP CONSTRAINT thing_pkey, ADD PRIMARY KEY (text, id)');
        const run = await platform.run({ state: killed.states.slice(2, 3) });
        expect(run.logs.join()).toContain('its snapshot starts over');
        expect(bagDifferences(rowsOf(run, 'thing'), await lab.database.rows(thing))).toEqual([]);
      }),
    );

    it(
      'a full refresh that goes on behind values that the types of the key cannot read is refused, with table and value',
      inLab(major, async lab => {
        await lab.sql('CREATE TABLE thing (id bigint, day date, PRIMARY KEY (id, day))');
        await lab.sql("INSERT INTO thing SELECT i, '2024-01-01' FROM generate_series(1, 1000) i");
        const platform = await lab.connect({ modes: { '*': 'full_refresh' } });
        const [state] = (await platform.run()).states.filter(each => JSON.stringify(each).includes('"cursor":{'));
        const whole = JSON.stringify([state]);
        const [key = ''] = /"key":\[[^\]]+\]/.exec(whole) ?? [];
        for (const [id, day, why] of [
          ['abc', '2024-01-01', 'invalid input syntax for type bigint'],
          ['99999999999999999999', '2024-01-01', 'out of range for type bigint'],
          ['1', '2024-01-32', 'date/time field value out of range'],
        ]) {
          const damaged = whole.replace(key, `"key":${JSON.stringify([id, day])}`);
          expect(damaged).not.toBe(whole);
          const run = await platform.run({ state: damaged, mayFail: true });
          expect(failureOf(run)).toMatch(/^config_error \/ STATE_INVALID: .*public\.thing is damaged/);
          expect(failureOf(run)).toContain(why);
          expect(run.records).toEqual([]);
        }
      }),
    );

    it(
      'a replica identity index other than the primary key: records carry the key of the index',
      inLab(major, async lab => {
        await lab.sql(
          'CREATE TABLE thing (id bigint PRIMARY KEY, text text NOT NULL UNIQUE); ALTER TABLE thing REPLICA IDENTITY USING INDEX thing_text_key',
        );
        const platform = await lab.connect();
        await lab.sql("INSERT INTO thing SELECT i, 't' || i FROM generate_series(1, 5) i");
        await platform.sync();
        await lab.sql(
          "UPDATE thing SET id = 100 WHERE id = 1; UPDATE thing SET text = 'new' WHERE id = 2; DELETE FROM thing WHERE id = 3",
        );
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'numbers beyond 2^53 and keys of several columns in another order than the table has them',
      inLab(major, async lab => {
        await lab.sql('CREATE TABLE pair (v text, b bigint, a bigint, PRIMARY KEY (a, b))');
        const pair = table('pair', { v: 'text', b: 'integer', a: 'integer' }, ['a', 'b']);
        const platform = await lab.connect({ modes: {} });
        await lab.sql("INSERT INTO pair SELECT 'x', 9007199254740993 - i, i FROM generate_series(1, 300) i");
        await platform.sync();
        await lab.sql(
          "UPDATE pair SET v = 'y' WHERE a < 9; UPDATE pair SET b = 9223372036854775807 WHERE a = 9; DELETE FROM pair WHERE a = 10",
        );
        const run = await platform.sync();
        expect(exactRecords(run, 'pair').some(row => row['b'] === digits('9223372036854775807'))).toBe(true);
        await platform.expectEqual([pair]);
      }),
    );
  });
});

describeMajor(18, major => {
  describe('transactions', () => {
    it(
      '#2, #61 many rows of one LSN: a run killed among them gives them all the next time',
      inLab(major, async lab => {
        await lab.sql(createThing);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql("INSERT INTO thing SELECT i, 'x' FROM generate_series(1, 3000) i");
        for (const lines of [50, 1000, 2900]) {
          const run = await platform.run({ killAfter: { lines }, mayFail: true });
          platform.store(run);
        }
        await platform.sync();
        await platform.expectEqual([thing]);
        expect(platform.committed.rowCount('thing')).toBe(3000);
      }),
    );

    it(
      '#3 transactions back to back, each one STATE further: resuming at every STATE loses none and repeats none',
      inLab(major, async lab => {
        await lab.sql(createThing);
        const platform = await lab.connect();
        await platform.sync();
        for (let id = 1; id <= 6; id++) await lab.sql(`INSERT INTO thing VALUES (${id}, 'x')`);
        const run = await platform.run();
        expect(run.states.length).toBeGreaterThanOrEqual(6);
        for (let ordinal = 0; ordinal < run.states.length; ordinal += 3) {
          const fork = platform.fork();
          fork.store(run, ordinal);
          const rest = await fork.sync();
          await fork.expectEqual([thing]);
          const before = fork.stored.length > 0 ? run.records.length - rest.records.length : 0;
          const upTo = run.messages.filter(message => message?.record !== undefined || message?.state !== undefined);
          let states = -1;
          let records = 0;
          for (const message of upTo) {
            if (message?.state !== undefined && ++states === ordinal) break;
            if (message?.record !== undefined) records++;
          }
          expect(before).toBe(records);
        }
      }),
    );
  });

  describe('#5 an idle database, airbyte #46571 "offset before the confirmed LSN"', () => {
    it(
      'ends at once, and also when only other tables and other databases change; the slot follows the states',
      inLab(major, async lab => {
        await lab.sql(
          `${createThing} CREATE TABLE other (id bigint PRIMARY KEY, filler text); INSERT INTO thing VALUES (1, 'a')`,
        );
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        const times: number[] = [];
        for (let round = 0; round < 4; round++) {
          const before = positionOf(platform.stored).lsn;
          if (round > 1)
            await lab.sql(
              `INSERT INTO other SELECT i + ${round}::bigint * 100000, repeat('x', 500) FROM generate_series(1, 4000) i`,
            );
          if (round > 2)
            await lab.server.query('postgres', 'CREATE TABLE away AS SELECT generate_series(1, 20000); DROP TABLE away');
          const run = await platform.sync();
          times.push(run.milliseconds);
          expect(run.records).toEqual([]);
          if (round > 1) expect(lsn(positionOf(platform.stored).lsn)).toBeGreaterThan(lsn(before));
          expect(lsn(String((await lab.slot())?.['confirmed_flush_lsn']))).toBe(lsn(before));
        }
        // 20 s would mean that something waited for a timeout, whatever the machine.
        expect(Math.max(...times)).toBeLessThan(20_000);
      }),
    );
  });
});

describePostgres(major => {
  describe('transactions', () => {
    it(
      'prepared, rolled back, in savepoints, of another origin',
      inLab(major, async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old' FROM generate_series(1, 10) i`);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(
          "BEGIN; INSERT INTO thing VALUES (101, 'prepared'); UPDATE thing SET text = 'p' WHERE id = 1; PREPARE TRANSACTION 'yes'",
        );
        await lab.sql("BEGIN; INSERT INTO thing VALUES (102, 'never'); PREPARE TRANSACTION 'no'");
        await lab.sql("INSERT INTO thing VALUES (103, 'between')");
        const meanwhile = await platform.sync();
        expect(brief(meanwhile, 'thing', 'id')).toEqual(['103']);
        await lab.sql("COMMIT PREPARED 'yes'");
        await lab.sql("ROLLBACK PREPARED 'no'");
        await lab.sql("BEGIN; INSERT INTO thing VALUES (104, 'rolled back'); ROLLBACK");
        await lab.sql(`BEGIN; INSERT INTO thing VALUES (105, 'kept'); SAVEPOINT a; INSERT INTO thing VALUES (106, 'undone');
          SAVEPOINT b; UPDATE thing SET text = 'undone' WHERE id = 2; RELEASE b; ROLLBACK TO a; UPDATE thing SET text = 'sub' WHERE id = 3;
          SAVEPOINT c; DELETE FROM thing WHERE id = 4; RELEASE c; COMMIT`);
        // A change that came from elsewhere is one all the same.
        const origin = `'o_${lab.database.name}'`;
        await lab.sql(`SELECT pg_replication_origin_create(${origin})`);
        lab.later(() => lab.sql(`SELECT pg_replication_origin_drop(${origin})`));
        const client = await lab.client();
        await client.query(`SELECT pg_replication_origin_session_setup(${origin})`);
        await client.query(
          "BEGIN; SELECT pg_replication_origin_xact_setup('0/1234', now()); UPDATE thing SET text = 'foreign' WHERE id = 5; COMMIT",
        );
        await client.end();
        await lab.sql("SELECT pg_logical_emit_message(true, 'note', 'x'), pg_logical_emit_message(false, 'note', 'y')");
        const run = await platform.sync();
        expect(brief(run, 'thing', 'id', 'text')).toEqual([
          '101 "prepared"',
          '1 "p"',
          '105 "kept"',
          '3 "sub"',
          'gone 4 null',
          '5 "foreign"',
        ]);
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'prepared before the first read, committed after it',
      inLab(major, async lab => {
        await lab.sql(createThing);
        const platform = await lab.connect();
        lab.later(() => lab.sql(`ROLLBACK PREPARED 'early_${lab.database.name}'`).catch(() => {}));
        await lab.sql(`BEGIN; INSERT INTO thing VALUES (1, 'prepared'); PREPARE TRANSACTION 'early_${lab.database.name}'`);
        const running = platform.sync();
        await lab.until(
          "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE_REPLICATION_SLOT%' AND state = 'active' AND datname = current_database())",
        );
        await lab.sql(`COMMIT PREPARED 'early_${lab.database.name}'`);
        await running;
        await platform.sync();
        await platform.expectEqual([thing]);
        expect(platform.committed.rowCount('thing')).toBe(1);
      }),
    );

    it(
      '#12 TRUNCATE is said loudly, is not fatal, and rows behind it arrive',
      inLab(major, async lab => {
        await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'a'), (2, 'b')`);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql("TRUNCATE thing; INSERT INTO thing VALUES (1, 'new')");
        const run = await platform.sync();
        expect(run.logs.filter(message => /TRUNCATE of public\.thing/.test(message))).toHaveLength(1);
        expect(brief(run, 'thing', 'id', 'text')).toEqual(['1 "new"']);
        await platform.sync();
      }),
    );
  });
});

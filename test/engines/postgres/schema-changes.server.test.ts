import { describe, expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import { isState } from '../../kit/messages.ts';
import { brief, createTwo, describeMajor, failureOf, inLab, largeText, literal, table, thing } from './lab.ts';

describeMajor(18, major => {
  describe('columns that change in the middle of the log', () => {
    it(
      'added, dropped, added in another order: values stay with their columns',
      inLab(major, async lab => {
        await lab.sql('CREATE TABLE thing (id bigint PRIMARY KEY, a text, text text)');
        const platform = await lab.connect({ columns: { thing: ['id', 'text'] } });
        await lab.sql("INSERT INTO thing VALUES (1, 'a', 'one')");
        await platform.sync();
        await lab.sql("INSERT INTO thing VALUES (2, 'a', 'two')");
        await lab.sql("ALTER TABLE thing ADD b text DEFAULT 'b'; INSERT INTO thing VALUES (3, 'a', 'three', 'B')");
        await lab.sql("ALTER TABLE thing DROP a; INSERT INTO thing VALUES (4, 'four', 'B4')");
        await lab.sql("ALTER TABLE thing ADD a bigint; INSERT INTO thing VALUES (5, 'five', 'B5', 5); ALTER TABLE thing DROP a");
        await platform.sync();
        await platform.reconfigure({});
        const now = table('thing', { id: 'integer', text: 'text', b: 'text' });
        await lab.sql("UPDATE thing SET b = b || '!'");
        await platform.sync();
        await platform.expectEqual([now]);
      }),
    );

    it(
      'added, with the catalog refreshed before the log is read: rows from before the column have its present value',
      inLab(major, async lab => {
        await lab.sql(createTwo);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql("INSERT INTO thing VALUES (3, 'three'); DELETE FROM thing WHERE id = 2");
        await lab.sql("ALTER TABLE thing ADD extra text DEFAULT 'default'; UPDATE thing SET extra = 'set' WHERE id = 1");
        await platform.reconfigure({});
        await platform.sync();
        expect((await platform.differences([table('thing', { id: 'integer', text: 'text', extra: 'text' })])).length).toBe(0);
      }),
    );

    it(
      'renamed, with the catalog refreshed: rows from before have the value under the new name',
      inLab(major, async lab => {
        await lab.sql(createTwo);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql("UPDATE thing SET text = 'before' WHERE id = 1");
        await lab.sql("ALTER TABLE thing RENAME text TO words; UPDATE thing SET words = 'after' WHERE id = 2");
        await platform.reconfigure({});
        const run = await platform.sync();
        expect(brief(run, 'thing', 'id', 'words')).toEqual(['1 "before"', '2 "after"']);
        await platform.expectEqual([table('thing', { id: 'integer', words: 'text' })]);
      }),
    );

    it(
      'of another type: SCHEMA_CHANGED, nothing passed over, and with a refreshed catalog it goes on',
      inLab(major, async lab => {
        await lab.sql('CREATE TABLE thing (id bigint PRIMARY KEY, text bigint)');
        const platform = await lab.connect();
        await lab.sql('INSERT INTO thing VALUES (1, 1), (2, 2)');
        await platform.sync();
        await lab.sql('INSERT INTO thing VALUES (3, 3)');
        await lab.sql("ALTER TABLE thing ALTER text TYPE text; INSERT INTO thing VALUES (4, 'four')");
        for (let attempt = 0; attempt < 2; attempt++) {
          const run = await platform.run({ mayFail: true });
          expect(failureOf(run)).toMatch(/^config_error \/ SCHEMA_CHANGED: .*"text" of public\.thing/);
          expect(brief(run, 'thing', 'id').includes('4')).toBe(false);
          platform.store(run);
        }
        await platform.reconfigure({});
        const run = await platform.sync();
        expect(brief(run, 'thing', 'id', 'text').at(-1)).toBe('4 "four"');
        expect(platform.committed.rowCount('thing')).toBe(4);
        await lab.sql("UPDATE thing SET text = 'x' || text");
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'of another type that the old values do not fit: the refreshed catalog is not stuck on rows of the old type',
      inLab(major, async lab => {
        await lab.sql(`${createTwo} UPDATE thing SET text = id`);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql("INSERT INTO thing VALUES (3, '3'), (4, '4'); DELETE FROM thing WHERE id = 4");
        await lab.sql('ALTER TABLE thing ALTER text TYPE bigint USING text::bigint; INSERT INTO thing VALUES (5, 5)');
        await platform.reconfigure({});
        const run = await platform.sync();
        expect(brief(run, 'thing', 'id', 'text')).toEqual(['3 3', '4 null', 'gone 4 null', '5 5']);
      }),
    );

    it(
      'retyped while the read goes on',
      inLab(major, async lab => {
        await lab.makeGate();
        await lab.sql('CREATE TABLE thing (id bigint PRIMARY KEY, text bigint)');
        const platform = await lab.connect({ streams: ['thing', 'gate'], modes: { gate: 'full_refresh' } });
        await lab.sql('INSERT INTO thing VALUES (1, 1)');
        await platform.sync();
        const change =
          "INSERT INTO thing VALUES (2, 2); ALTER TABLE thing ALTER text TYPE text; INSERT INTO thing VALUES (3, 'three')";
        const run = await lab.atGate(
          () => platform.run({ mayFail: true }),
          () => lab.sql(change),
        );
        expect(failureOf(run)).toMatch(/^config_error \/ SCHEMA_CHANGED/);
        platform.store(run);
        await platform.reconfigure({ streams: ['thing', 'gate'], modes: { gate: 'full_refresh' } });
        await platform.sync();
        await lab.sql("UPDATE thing SET text = text || '!'");
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      '#17 a type that was dropped and created again has another oid: old rows are read all the same',
      inLab(major, async lab => {
        await lab.sql("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE thing (id bigint PRIMARY KEY, text mood)");
        const platform = await lab.connect();
        await lab.sql("INSERT INTO thing VALUES (1, 'sad')");
        await platform.sync();
        await lab.sql("INSERT INTO thing VALUES (2, 'ok')");
        await lab.sql(`ALTER TABLE thing ALTER text TYPE text; DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
          ALTER TABLE thing ALTER text TYPE mood USING text::mood; INSERT INTO thing VALUES (3, 'happy')`);
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );
  });
});

describeMajor(14, major => {
  describe('tables that change', () => {
    it(
      'dropped and created again under the name between two reads',
      inLab(major, async lab => {
        await lab.sql(createTwo);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql("INSERT INTO thing VALUES (3, 'old'); DROP TABLE thing");
        await lab.sql("CREATE TABLE thing (id bigint PRIMARY KEY, text text); INSERT INTO thing VALUES (1, 'new'), (3, 'new')");
        const run = await platform.sync();
        expect(run.logs.some(message => message.includes('created anew'))).toBe(true);
        await lab.sql("UPDATE thing SET text = 'newer' WHERE id = 3");
        await platform.sync();
        expect((await platform.differences([thing])).filter(text => !text.includes('too many'))).toEqual([]);
      }),
    );

    it(
      'renamed away, changed, and renamed back between two reads: it is the same table',
      inLab(major, async lab => {
        await lab.sql(createTwo);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql('ALTER TABLE thing RENAME TO thing_old');
        await lab.sql("INSERT INTO thing_old VALUES (3, 'while away'); UPDATE thing_old SET text = 'while away' WHERE id = 1");
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/^config_error \/ (STREAM_UNKNOWN|TABLE_MISSING)/);
        await lab.sql('ALTER TABLE thing_old RENAME TO thing');
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'moved to another schema and back',
      inLab(major, async lab => {
        await lab.sql(`${createTwo} CREATE SCHEMA attic`);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql("ALTER TABLE thing SET SCHEMA attic; INSERT INTO attic.thing VALUES (3, 'in the attic')");
        await lab.sql('ALTER TABLE attic.thing SET SCHEMA public');
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'swapped with another under the name (gh-ost, pg_repack by hand): the new one gets a snapshot',
      inLab(major, async lab => {
        await lab.sql(createTwo);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(
          "CREATE TABLE thing_new (LIKE thing INCLUDING ALL); INSERT INTO thing_new SELECT id, text || '!' FROM thing",
        );
        await lab.sql("UPDATE thing SET text = 'too late' WHERE id = 1");
        await lab.sql('BEGIN; ALTER TABLE thing RENAME TO thing_old; ALTER TABLE thing_new RENAME TO thing; COMMIT');
        await platform.sync();
        await platform.expectEqual([thing]);
        await lab.sql("INSERT INTO thing VALUES (3, 'three'); UPDATE thing_old SET text = 'not ours any more'");
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'renamed while the read goes on: what happened meanwhile comes with the next read',
      inLab(major, async lab => {
        await lab.makeGate();
        await lab.sql(createTwo);
        const choices = { streams: ['thing', 'gate'], modes: { gate: 'full_refresh' } } as const;
        const platform = await lab.connect(choices);
        await platform.sync();
        const change = "ALTER TABLE thing RENAME TO away; INSERT INTO away VALUES (3, 'away'); ALTER TABLE away RENAME TO thing";
        platform.store(
          await lab.atGate(
            () => platform.run(),
            () => lab.sql(change),
          ),
        );
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'whose rewrite comes between the chunks of a full refresh by key, with rows on the move',
      inLab(major, async lab => {
        await lab.sql(
          "CREATE TABLE thing (id bigint PRIMARY KEY, text text); INSERT INTO thing SELECT i, repeat('x', 300) FROM generate_series(1, 6000) i",
        );
        const platform = await lab.connect({ modes: { '*': 'full_refresh' } });
        const seen = new Set<unknown>();
        let killed = 0;
        for (const sql of [
          "UPDATE thing SET text = repeat('y', 400) WHERE id % 2 = 0",
          'VACUUM FULL thing',
          'VACUUM thing',
          'CLUSTER thing USING thing_pkey',
        ]) {
          const run = await platform.run({
            killAfter: { when: (line, lines) => isState(line) && lines > 600 },
            env: { WORKER_JOB_ID: '4711' },
            mayFail: true,
          });
          if (run.signal === 'SIGKILL') killed++;
          const last = run.messages.findLastIndex(message => message?.state !== undefined);
          for (const message of run.messages.slice(0, last + 1))
            if (message?.record !== undefined) seen.add(message.record.data['id']);
          platform.stored = run.states.length > 0 ? [...run.states.slice(-1)] : platform.stored;
          await lab.sql(sql);
        }
        const run = await platform.run({ env: { WORKER_JOB_ID: '4711' } });
        for (const record of run.records) seen.add(record.data['id']);
        expect(killed).toBeGreaterThan(2);
        expect(run.records.length).toBeLessThan(6000);
        expect(seen.size).toBe(6000);
      }),
    );
  });
});

describePostgres(major => {
  it(
    '#13 generated columns, stored and virtual: in snapshot and log alike',
    inLab(major, async lab => {
      const virtual = major >= 18 ? ', v bigint GENERATED ALWAYS AS (id * 3) VIRTUAL' : '';
      await lab.sql(
        `CREATE TABLE made (id bigint PRIMARY KEY, s bigint GENERATED ALWAYS AS (id * 2) STORED, body text${virtual})`,
      );
      await lab.sql('ALTER TABLE made ALTER body SET STORAGE EXTERNAL');
      const made = table('made', { id: 'integer', s: 'integer', body: 'text', ...(major >= 18 && { v: 'integer' }) });
      await lab.sql(`INSERT INTO made (id, body) VALUES (1, ${literal(largeText(1))}), (2, 'x')`);
      const platform = await lab.connect();
      await platform.sync();
      await platform.expectEqual([made]);
      await lab.sql(
        "INSERT INTO made (id, body) VALUES (3, 'y'); UPDATE made SET id = 10 WHERE id = 1; UPDATE made SET body = 'z' WHERE id = 2",
      );
      await lab.sql('INSERT INTO made (id) VALUES (4); UPDATE made SET id = 5 WHERE id = 4; DELETE FROM made WHERE id = 3');
      await platform.sync();
      await platform.expectEqual([made]);
    }),
  );

  it(
    'columns outside of the selection are not in records, nor is their retyping an error',
    inLab(major, async lab => {
      await lab.sql(
        "CREATE TABLE thing (id bigint PRIMARY KEY, text text, secret bigint); INSERT INTO thing VALUES (1, 'one', 4)",
      );
      const platform = await lab.connect({ columns: { thing: ['id', 'text'] } });
      await platform.sync();
      await lab.sql(
        "UPDATE thing SET secret = 5; ALTER TABLE thing ALTER secret TYPE text; INSERT INTO thing VALUES (2, 'two', 'hidden')",
      );
      const run = await platform.sync();
      expect(run.lines.some(line => line.includes('secret') || line.includes('hidden'))).toBe(false);
      await platform.expectEqual([thing]);
    }),
  );
});

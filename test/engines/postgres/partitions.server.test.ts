import { describe, expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import { isState } from '../../kit/messages.ts';
import {
  brief,
  createOne,
  createThing,
  describeMajor,
  failureOf,
  identifier,
  inLab,
  type Lab,
  largeText,
  literal,
  lsn,
  positionOf,
  table,
  thing,
} from './lab.ts';

const part = table('part', { id: 'integer', region: 'text', text: 'text' }, ['id', 'region']);
const createPart = `CREATE TABLE part (id bigint, region text, text text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
  CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a'); CREATE TABLE part_b PARTITION OF part FOR VALUES IN ('b');
  CREATE TABLE part_c PARTITION OF part FOR VALUES IN ('c') PARTITION BY RANGE (id);
  CREATE TABLE part_c1 PARTITION OF part_c FOR VALUES FROM (MINVALUE) TO (500); CREATE TABLE part_c2 PARTITION OF part_c DEFAULT;`;
const fill = (from: number, to: number): string =>
  `INSERT INTO part SELECT i, chr(97 + i % 3), repeat('x', 200) FROM generate_series(${from}, ${to}) i;`;

/** Runs that die at a STATE in the middle of the snapshot, `rounds` of them, with something happening in between. */
const dieInSnapshot = async (lab: Lab, between: readonly string[]): Promise<void> => {
  const platform = await lab.connect({ streams: ['part'] });
  let killed = 0;
  for (const sql of between) {
    const run = await platform.run({
      killAfter: { when: (line, lines) => isState(line) && line.includes('"cursor"') && lines > 100 },
      mayFail: true,
    });
    if (run.signal === 'SIGKILL') killed++;
    platform.store(run);
    for (const statement of sql.split('; ')) await lab.sql(statement);
  }
  // The last may come to its end before it is killed; those before must not.
  expect(killed).toBeGreaterThanOrEqual(between.length - 1);
  await platform.sync();
  await platform.expectEqual([part]);
  await lab.sql("UPDATE part SET text = 'later' WHERE id % 10 = 0; DELETE FROM part WHERE id % 11 = 0");
  await platform.sync();
  await platform.expectEqual([part]);
};

describeMajor(14, major => {
  describe('#18 a partitioned table, airbyte #13442', () => {
    it(
      'is one stream: rows that move between partitions, and partitions that come and go, in the log',
      inLab(major, async lab => {
        await lab.sql(`${createPart} ${fill(1, 60)}`);
        const platform = await lab.connect();
        await platform.sync();
        await platform.expectEqual([part]);
        await lab.sql(
          "UPDATE part SET region = 'b' WHERE region = 'a' AND id < 30; UPDATE part SET id = id + 1000 WHERE region = 'c'",
        );
        await lab.sql(
          "CREATE TABLE part_d PARTITION OF part FOR VALUES IN ('d'); INSERT INTO part VALUES (1, 'd', 'new partition')",
        );
        await lab.sql("DELETE FROM part_b WHERE id = 31; UPDATE part_d SET text = 'by its own name'");
        await platform.sync();
        await platform.expectEqual([part]);
      }),
    );

    it(
      'its snapshot is killed and resumed while rows move and partitions are attached, detached, rewritten',
      inLab(major, async lab => {
        await lab.sql(
          `CREATE TABLE early (id bigint, region text, text text, PRIMARY KEY (id, region)); ${createPart} ${fill(1, 9000)}`,
        );
        await lab.sql("INSERT INTO early SELECT i, 'e', 'attached with its rows' FROM generate_series(1, 50) i");
        await dieInSnapshot(lab, [
          "UPDATE part SET region = 'a' WHERE region = 'c' AND id > 2000",
          // An older oid than all others: in the order of reading it stands before those that are done.
          "ALTER TABLE part ATTACH PARTITION early FOR VALUES IN ('e')",
          'VACUUM FULL part_a',
          "CREATE TABLE part_f PARTITION OF part FOR VALUES IN ('f'); INSERT INTO part SELECT i, 'f', 'f' FROM generate_series(1, 30) i",
        ]);
      }),
    );

    it(
      'a partition with rows is attached while the snapshot stands between two others',
      inLab(major, async lab => {
        await lab.sql(
          `CREATE TABLE early (id bigint, region text, text text, PRIMARY KEY (id, region)); ${createPart} ${fill(1, 2400)}`,
        );
        await lab.sql("INSERT INTO early SELECT i, 'e', 'attached with its rows' FROM generate_series(1, 50) i");
        const platform = await lab.connect({ streams: ['part'] });
        const isCursor = (line: string): boolean => isState(line) && line.includes('"cursor"');
        platform.store(await platform.run({ killAfter: { when: isCursor }, mayFail: true }));
        // The snapshot goes on in the first partition and waits at the second, which somebody has locked.
        const keeper = await lab.client();
        await keeper.query('BEGIN; LOCK TABLE part_b');
        const running = platform.run();
        await lab.until("EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'part_b'::regclass)");
        await lab.sql("ALTER TABLE part ATTACH PARTITION early FOR VALUES IN ('e')");
        await keeper.query('COMMIT');
        platform.store(await running);
        await platform.sync();
        await platform.expectEqual([part]);
      }),
    );

    it(
      'a partition that comes with rows of its own once the table was read gets a snapshot, by itself; others need none',
      inLab(major, async lab => {
        await lab.sql(`${createPart} ${fill(1, 60)}`);
        const like = (name: string): string => `CREATE TABLE ${name} (LIKE part INCLUDING ALL)`;
        const attach = (name: string, region: string): string =>
          `ALTER TABLE part ATTACH PARTITION ${name} FOR VALUES IN ('${region}')`;
        const platform = await lab.connect({ streams: ['part'] });
        await platform.sync();
        // What comes empty brings all of its rows by the log.
        await lab.sql("CREATE TABLE made PARTITION OF part FOR VALUES IN ('d'); INSERT INTO part VALUES (100, 'd', 'x')");
        await lab.sql(like('hollow'));
        await lab.sql(`${attach('hollow', 'e')}; INSERT INTO part VALUES (100, 'e', 'x')`);
        await lab.sql("UPDATE part SET text = 'y' WHERE id = 100");
        const quiet = await platform.sync();
        expect(quiet.logs.filter(message => message.includes('attached'))).toEqual([]);
        await platform.expectEqual([part]);
        // Filled before; filled in the same transaction; detached, changed and attached again.
        await lab.sql(`${like('filled')}`);
        await lab.sql("INSERT INTO filled SELECT i, 'f', 'x' FROM generate_series(200, 260) i");
        await lab.sql(attach('filled', 'f'));
        await lab.sql(`${like('moved')}; INSERT INTO moved VALUES (200, 'g', 'x'); ${attach('moved', 'g')}`);
        await lab.sql('ALTER TABLE part DETACH PARTITION part_a');
        await lab.sql("INSERT INTO part_a VALUES (200, 'a', 'while away')");
        await lab.sql(`${attach('part_a', 'a')}; UPDATE part SET text = 'z' WHERE id = 100`);
        // They live on before they are read.
        await lab.sql(
          "UPDATE part SET text = 'w' WHERE id = 201; DELETE FROM part WHERE id = 202; UPDATE part SET id = 300 WHERE id = 203",
        );
        const run = await platform.sync();
        for (const name of ['filled', 'moved', 'part_a'])
          expect(
            run.logs.filter(message => message.includes(`public.${name} was attached to public.part with rows`)),
          ).toHaveLength(1);
        expect(run.logs.filter(message => message.includes('was attached'))).toHaveLength(3);
        await platform.expectEqual([part]);
        // Of the others no row was read again.
        const [{ of_three }] = (await lab.sql(
          "SELECT count(*)::int AS of_three FROM part WHERE region IN ('a', 'f', 'g')",
        )) as unknown as [{ of_three: number }];
        expect(run.records.filter(record => record.data['_ab_cdc_deleted_at'] === null).length).toBeLessThanOrEqual(of_three + 5);
        const next = await platform.sync();
        expect([next.records, next.logs.filter(message => message.includes('was attached'))]).toEqual([[], []]);
      }),
    );

    it(
      'a partition that comes with rows and is written anew before it is read gets a snapshot, for its rows do not tell their age',
      inLab(major, async lab => {
        await lab.sql(`${createPart} ${fill(1, 60)}`);
        const platform = await lab.connect({ streams: ['part'] });
        await platform.sync();
        for (const [name, region] of [
          ['late', 'e'],
          ['repacked', 'f'],
        ])
          await lab.sql(`CREATE TABLE ${name} (LIKE part INCLUDING ALL); INSERT INTO ${name} VALUES (1, '${region}', 'before');
            ALTER TABLE part ATTACH PARTITION ${name} FOR VALUES IN ('${region}')`);
        await lab.sql("CREATE TABLE made PARTITION OF part FOR VALUES IN ('g')");
        await lab.sql('TRUNCATE made; ALTER TABLE part ADD COLUMN extra double precision DEFAULT random()');
        const run = await platform.sync();
        await platform.expectEqual([part]);
        // Of one without rows nothing is to be read.
        const came = run.logs.filter(message => message.includes('was attached to public.part with rows'));
        expect(came.map(message => /public\.(\w+) was/.exec(message)?.[1])).toEqual(['late', 'repacked']);
        expect((await platform.sync()).records).toEqual([]);
      }),
    );

    it(
      'the snapshot of partitions that came with rows is killed, and another one comes',
      inLab(major, async lab => {
        await lab.sql(`${createPart} ${fill(1, 60)}`);
        const come = (name: string, region: string, rows: number): string => `CREATE TABLE ${name} (LIKE part INCLUDING ALL);
          INSERT INTO ${name} SELECT i, '${region}', repeat('x', 500) FROM generate_series(1000, ${1000 + rows}) i;
          ALTER TABLE part ATTACH PARTITION ${name} FOR VALUES IN ('${region}')`;
        const platform = await lab.connect({ streams: ['part'] }, { checkpoint_interval_seconds: 0 });
        await platform.sync();
        await lab.sql(come('first', 'f', 8000));
        const isCursor = (line: string): boolean => isState(line) && line.includes('"only"');
        let states = 0;
        const died = await platform.run({ killAfter: { when: line => isCursor(line) && ++states === 4 }, mayFail: true });
        expect(died.signal).toBe('SIGKILL');
        platform.store(died);
        await lab.sql(come('second', 'g', 100));
        await lab.sql("UPDATE part SET text = 'y' WHERE id % 7 = 0; DELETE FROM part WHERE id % 5 = 0");
        await lab.sql('VACUUM FULL first');
        await platform.sync();
        await platform.expectEqual([part]);
        expect((await platform.sync()).records).toEqual([]);
      }),
    );

    it(
      'TOAST values are true, whichever partition the row is in',
      inLab(major, async lab => {
        await lab.sql(`${createPart} ALTER TABLE part ALTER text SET STORAGE EXTERNAL`);
        await lab.sql('ALTER TABLE part_a ALTER text SET STORAGE EXTERNAL; ALTER TABLE part_c1 ALTER text SET STORAGE EXTERNAL');
        for (const [id, region] of ['a', 'b', 'c'].entries()) {
          await lab.sql(`INSERT INTO part VALUES (${id}, '${region}', ${literal(largeText(id))})`);
        }
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql('UPDATE part SET id = id + 100; UPDATE part SET id = id + 100');
        await platform.sync();
        await platform.expectEqual([part]);
      }),
    );

    it(
      'published as its partitions: each is a stream of its own, and the root is offered as full refresh',
      inLab(major, async lab => {
        await lab.sql(`${createPart} ${fill(1, 60)}`);
        await lab.sql(
          `CREATE PUBLICATION ${identifier(lab.database.name)} FOR TABLE part WITH (publish_via_partition_root = false)`,
        );
        const leaf = (name: string) => table(name, { id: 'integer', region: 'text', text: 'text' }, ['id', 'region']);
        const leaves = ['part_a', 'part_b', 'part_c1', 'part_c2'];
        const platform = await lab.connect({ streams: leaves });
        await platform.sync();
        await lab.sql(
          "UPDATE part SET region = 'b' WHERE region = 'a' AND id < 30; UPDATE part SET id = id + 1000 WHERE region = 'c'",
        );
        await platform.sync();
        await platform.expectEqual(leaves.map(leaf));
        const root = await lab.connect({ streams: ['part'] });
        expect(root.catalog.streams.map(stream => stream.sync_mode)).toEqual(['full_refresh']);
      }),
    );

    it(
      'inherited tables are streams of their own: no row twice',
      inLab(major, async lab => {
        await lab.sql(`CREATE TABLE parent (id bigint PRIMARY KEY, text text); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
          INSERT INTO parent VALUES (1, 'parent'); INSERT INTO child VALUES (2, 'child')`);
        const platform = await lab.connect();
        const first = await platform.sync();
        expect([brief(first, 'parent', 'id'), brief(first, 'child', 'id')]).toEqual([['1'], ['2']]);
        await lab.sql("UPDATE parent SET text = text || '!'; INSERT INTO child VALUES (3, 'x')");
        const second = await platform.sync();
        expect([brief(second, 'parent', 'id', 'text'), brief(second, 'child', 'id', 'text')]).toEqual([
          ['1 "parent!"'],
          ['2 "child!"', '3 "x"'],
        ]);
      }),
    );
  });
});

describeMajor(18, major => {
  describe('#19 a publication of the user', () => {
    it(
      'that lacks a table, or does not publish updates: config_error with the SQL, and nothing is altered',
      inLab(major, async lab => {
        const name = identifier(lab.database.name);
        await lab.sql(`${createOne} CREATE PUBLICATION ${name}`);
        const platform = await lab.connect();
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(
          /^config_error \/ PUBLICATION_UNUSABLE: .*ALTER PUBLICATION .* ADD TABLE/,
        );
        await lab.sql(`ALTER PUBLICATION ${name} ADD TABLE thing; ALTER PUBLICATION ${name} SET (publish = 'insert, delete')`);
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(
          /^config_error \/ PUBLICATION_UNUSABLE: .*does not publish updates/,
        );
        expect(await lab.slot()).toBeUndefined();
        await lab.sql(`ALTER PUBLICATION ${name} SET (publish = 'insert, update, delete')`);
        await platform.sync();
        await lab.sql("UPDATE thing SET text = 'two'; TRUNCATE thing; INSERT INTO thing VALUES (1, 'three')");
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'with a column list: columns outside of it are read again by key',
      inLab(major, async lab => {
        await lab.sql('CREATE TABLE wide (id bigint PRIMARY KEY, a text, b text)');
        await lab.sql(`CREATE PUBLICATION ${identifier(lab.database.name)} FOR TABLE wide (id, a)`);
        const wide = table('wide', { id: 'integer', a: 'text', b: 'text' });
        const platform = await lab.connect();
        await lab.sql("INSERT INTO wide SELECT i, 'a' || i, 'b' || i FROM generate_series(1, 20) i");
        await platform.sync();
        await lab.sql(
          "UPDATE wide SET a = 'A', b = 'B' WHERE id < 5; INSERT INTO wide VALUES (100, 'x', 'y'); DELETE FROM wide WHERE id = 7; UPDATE wide SET id = 200 WHERE id = 8",
        );
        await platform.sync();
        await platform.expectEqual([wide]);
      }),
    );

    it(
      'with a row filter: snapshot and log agree on the rows, and one that leaves the filter is deleted',
      inLab(major, async lab => {
        await lab.sql(`${createThing} ALTER TABLE thing REPLICA IDENTITY FULL`);
        await lab.sql(`CREATE PUBLICATION ${identifier(lab.database.name)} FOR TABLE thing WHERE (text <> 'hidden')`);
        const platform = await lab.connect();
        await lab.sql("INSERT INTO thing VALUES (1, 'shown'), (2, 'hidden'), (3, 'shown')");
        const first = await platform.sync();
        expect(brief(first, 'thing', 'id')).toEqual(['1', '3']);
        await lab.sql(
          "UPDATE thing SET text = 'hidden' WHERE id = 1; UPDATE thing SET text = 'now shown' WHERE id = 2; INSERT INTO thing VALUES (4, 'hidden')",
        );
        const second = await platform.sync();
        expect(brief(second, 'thing', 'id', 'text')).toEqual(['gone 1 "shown"', '2 "now shown"']);
      }),
    );
  });
});

describePostgres(major => {
  it(
    '#21 names with spaces, dots, quotes, dollars, upper case and emoji, in every place that has a name',
    inLab(major, async lab => {
      const [schema, name, id, value] = ['Sch. "ö$1"', 'Ta.ble "$2" 🎉', 'Id "$" x', "Va'l.ue {};--"];
      const [s, t, i, v] = [schema, name, id, value].map(identifier);
      await lab.sql(
        `CREATE SCHEMA ${s}; CREATE TABLE ${s}.${t} (${v} text, ${i} bigint PRIMARY KEY); ALTER TABLE ${s}.${t} ALTER ${v} SET STORAGE EXTERNAL`,
      );
      await lab.sql(`INSERT INTO ${s}.${t} VALUES (${literal(largeText(1))}, 1), ('two', 2)`);
      const platform = await lab.connect({}, {}, { schemas: [schema], publication: 'Publi "cation" $3.\'' });
      const first = await platform.sync();
      expect(brief(first, name, id)).toEqual(['1', '2']);
      await lab.sql(
        `UPDATE ${s}.${t} SET ${i} = 3 WHERE ${i} = 1; DELETE FROM ${s}.${t} WHERE ${i} = 2; INSERT INTO ${s}.${t} VALUES ('four', 4)`,
      );
      const second = await platform.sync();
      expect(brief(second, name, id)).toEqual(['gone 1', '3', 'gone 2', '4']);
      expect(second.records[1]?.data[value]).toBe(largeText(1));
      expect(second.records[0]?.namespace).toBe(schema);
      const before = positionOf(platform.stored).lsn;
      await platform.sync();
      expect(lsn(positionOf(platform.stored).lsn)).toBeGreaterThanOrEqual(lsn(before));
    }),
  );
});

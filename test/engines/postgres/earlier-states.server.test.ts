import { expect, it } from 'vitest';
import { earlierForms, earlierState } from '../../kit/earlier-states.ts';
import { describePostgres } from '../../kit/engines.ts';
import { inLab, positionOf, table } from './lab.ts';

const item = table('item', { id: 'integer', body: 'text' });
const part = { ...table('part', { id: 'integer', year: 'integer' }), primaryKey: ['id', 'year'] };
const SETUP = `
  CREATE TABLE item (id bigint PRIMARY KEY, body text);
  INSERT INTO item SELECT g, repeat('x', 500) FROM generate_series(1, 500) g;
  CREATE TABLE part (id bigint, year bigint, PRIMARY KEY (id, year)) PARTITION BY RANGE (year);
  CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (2020) TO (2021);
  INSERT INTO part VALUES (1, 2020);
  CREATE TABLE plain (id int PRIMARY KEY, note text);
  INSERT INTO plain SELECT g, 'n' FROM generate_series(1, 500) g;`;
const NAMES = `
  SELECT 'item'::regclass::oid::text AS item, 'item'::regclass::oid::int4 AS "itemOid",
         'part'::regclass::oid::text AS part, 
         'plain'::regclass::oid || '/' || (SELECT oid FROM pg_publication WHERE pubname = current_database()) AS plain,
         (SELECT oid::text FROM pg_publication_rel WHERE prrelid = 'item'::regclass) AS "itemEntry",
         (SELECT oid::text FROM pg_publication_rel WHERE prrelid = 'part'::regclass) AS "partEntry",
         left(encode(sha256('item'::regclass::oid::text::bytea), 'hex'), 16) AS leaves,
         (SELECT system_identifier::text FROM pg_control_system()) AS system`;

describePostgres(major => {
  it.each(earlierForms)(
    'a state of an earlier release is read on from (%s)',
    async form =>
      await inLab(major, async lab => {
        await lab.sql(SETUP);
        const choices = { streams: ['item', 'part', 'plain'], modes: { plain: 'full_refresh' as const } };
        const platform = await lab.connect(choices);
        const first = await platform.sync();
        const { lsn, clock } = positionOf(platform.stored);
        const [names = {}] = (await lab.sql(NAMES)) as Record<string, string | number>[];
        const marks = /"partitions":"([^"]*)"/.exec(JSON.stringify(first.states))?.[1] ?? '';
        // How a partition was attached was all that was noted of it.
        const partitions = marks
          .split(' ')
          .map(mark => mark.split(':').slice(0, 2).join(':'))
          .join(' ');
        platform.stored = earlierState('postgres', form, { ...names, lsn, clock, partitions });
        await lab.sql(
          "UPDATE item SET body = 'new' WHERE id = 3; DELETE FROM item WHERE id = 499; INSERT INTO part VALUES (2, 2020)",
        );

        const run = await platform.sync();
        const ids = (stream: string): readonly number[] =>
          run.records.filter(record => record.stream === stream).map(({ data }) => Number(data['id']));
        if (form === 'snapshot') {
          // Of the first eight pages only what has changed.
          expect(ids('item').filter(id => id < 100)).toEqual([3]);
          expect(ids('item').length).toBeGreaterThan(300);
          expect(ids('plain')).toEqual(Array.from({ length: 200 }, (_, n) => n + 301));
        } else {
          expect(ids('item')).toEqual([3, 499]);
          expect(ids('part')).toEqual([2]);
        }
        await platform.expectEqual([item, part]);
      })(),
  );
});

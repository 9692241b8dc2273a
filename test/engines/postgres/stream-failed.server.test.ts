import { expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import type { RunResult } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { createOne, failureOf, inLab, thing } from './lab.ts';

const BROKEN: readonly (readonly [what: string, sql: string, says: RegExp])[] = [
  ['a view that divides by zero', 'CREATE VIEW broken AS SELECT id, 1 / (id - id) AS n FROM thing', /division by zero/],
  [
    'a view over a function that has lost its table',
    `CREATE TABLE gone (id int); CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM gone); END';
     CREATE VIEW broken AS SELECT f() AS n; DROP TABLE gone`,
    /"gone" does not exist/,
  ],
  [
    'a view over a function that raises',
    `CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not today''; END'; CREATE VIEW broken AS SELECT f() AS n`,
    /not today/,
  ],
];

const statusOf = (run: RunResult, stream: string): unknown =>
  run.traces.findLast(trace => trace.stream_status?.stream_descriptor.name === stream)?.stream_status?.status;

describePostgres(major => {
  it.each(BROKEN)(
    '%s ends INCOMPLETE alone: the others and the log are read, and the state goes on',
    async (_what, sql, says) => {
      await inLab(major, async lab => {
        await lab.sql(`${createOne} ${sql}`);
        const platform = await lab.connect({ streams: ['broken', 'thing'] });
        const first = await platform.run({ mayFail: true });
        expect(failureOf(first)).toMatch(/^config_error \/ STREAM_FAILED: /);
        expect(failureOf(first)).toMatch(says);
        expect(first.traces.find(trace => trace.error)?.error?.stream_descriptor?.name).toBe('broken');
        expect([statusOf(first, 'broken'), statusOf(first, 'thing')]).toEqual(['INCOMPLETE', 'COMPLETE']);
        platform.store(first);
        await lab.sql("INSERT INTO thing VALUES (2, 'two')");
        const before = (await lab.slot())?.['confirmed_flush_lsn'];
        const second = await platform.run({ mayFail: true });
        platform.store(second);
        expect(second.records.map(({ data }) => data['id'])).toEqual([2]);
        // The server may forget what the stored state covers, whatever became of the view.
        await platform.run({ mayFail: true });
        expect((await lab.slot())?.['confirmed_flush_lsn']).not.toBe(before);
        platform.catalog = { streams: platform.catalog.streams.filter(({ stream }) => stream.name === 'thing') };
        await platform.expectEqual([thing]);
      })();
    },
  );

  it('a materialized view without data is not offered, and one that has lost them does not stop the others', async () => {
    await inLab(major, async lab => {
      await lab.sql(
        `${createOne} CREATE MATERIALIZED VIEW broken AS SELECT * FROM thing; CREATE MATERIALIZED VIEW empty AS SELECT * FROM thing WITH NO DATA`,
      );
      const platform = await lab.connect({ streams: ['broken', 'thing'] });
      expect((await discoverCatalog(platform.config)).streams.map(({ name }) => name).toSorted()).toEqual(['broken', 'thing']);
      await lab.sql('REFRESH MATERIALIZED VIEW broken WITH NO DATA');
      const run = await platform.run({ mayFail: true });
      expect(failureOf(run)).toMatch(/^config_error \/ STREAM_FAILED: .*has not been populated/);
      expect(statusOf(run, 'thing')).toBe('COMPLETE');
    })();
  });
});

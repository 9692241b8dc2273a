import { expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import type { RunResult } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { createThing, failureOf, inLab, thing } from './lab.ts';

const statusOf = (run: RunResult, stream: string): unknown =>
  run.traces.findLast(trace => trace.stream_status?.stream_descriptor.name === stream)?.stream_status?.status;

/** What breaks a view that was offered. */
const BREAKING: readonly (readonly [what: string, make: string, broken: string, says: RegExp])[] = [
  [
    'a value out of range',
    'CREATE VIEW broken AS SELECT id, CAST(n AS UNSIGNED) - 1 AS m FROM thing',
    'UPDATE thing SET n = 0',
    /out of range/,
  ],
  [
    'a column of its table that was renamed',
    'CREATE TABLE other (a int, b int); CREATE VIEW broken AS SELECT a FROM other',
    'ALTER TABLE other RENAME COLUMN a TO c',
    /invalid|lacks? rights|Unknown column/i,
  ],
  [
    'a table that was dropped',
    'CREATE TABLE other (a int); CREATE VIEW broken AS SELECT a FROM other',
    'DROP TABLE other',
    /invalid|exist/i,
  ],
];

describeMysql(flavor => {
  it.each(BREAKING)(
    'a view with %s ends INCOMPLETE alone: the others and the log are read',
    async (_what, make, broken, says) => {
      await inLab(
        () => acquireMysql(flavor, 'FULL'),
        async lab => {
          await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'one', 5); ${make}`);
          const platform = await lab.connect({ streams: ['broken', 'thing'] });
          await lab.sql(broken);
          const first = await platform.run({ mayFail: true });
          expect(failureOf(first)).toMatch(/^config_error \/ STREAM_FAILED: /);
          expect(failureOf(first)).toMatch(says);
          expect([statusOf(first, 'broken'), statusOf(first, 'thing')]).toEqual(['INCOMPLETE', 'COMPLETE']);
          platform.store(first);
          await lab.sql("INSERT INTO thing VALUES (2, 'two', 0)");
          const second = await platform.run({ mayFail: true });
          platform.store(second);
          expect(second.records.map(({ data }) => data['id'])).toEqual([2]);
          platform.catalog = { streams: platform.catalog.streams.filter(({ stream }) => stream.name === 'thing') };
          await platform.expectEqual([thing]);
        },
      )();
    },
  );

  it('a view whose definer is gone is no refused login, and a view that is broken already is not offered', async () => {
    await inLab(
      () => acquireMysql(flavor, 'FULL'),
      async lab => {
        const definer = `${lab.database.name}_definer`;
        await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'one', 5); CREATE USER ${definer};
          GRANT SELECT ON ${lab.database.name}.* TO ${definer}; CREATE DEFINER = ${definer} VIEW broken AS SELECT id FROM thing`);
        const platform = await lab.connect({ streams: ['broken', 'thing'] });
        await lab.sql(`DROP USER ${definer}`);
        const run = await platform.run({ mayFail: true });
        expect(failureOf(run)).toMatch(/^config_error \/ STREAM_FAILED: .*[Dd]efiner/);
        expect(failureOf(run)).not.toMatch(/username and password/);
        expect(statusOf(run, 'thing')).toBe('COMPLETE');
        await lab.sql('CREATE TABLE other (a int); CREATE VIEW invalid AS SELECT a FROM other; DROP TABLE other');
        const names = (await discoverCatalog(platform.config)).streams.map(({ name }) => name);
        expect(names).not.toContain('invalid');
        expect(names).toContain('thing');
      },
    )();
  });
});

import { expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { runEither } from '../../kit/run-within.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { failureOf, inLab, table } from './lab.ts';

describeMysql(flavor => {
  it.each(rowMetadataOf(flavor))(
    'columns of names that are added to changes are left out, and check, discover and read name them (metadata %s)',
    metadata =>
      inLab(
        () => acquireMysql(flavor, metadata),
        async lab => {
          await lab.sql(`CREATE TABLE filled (id bigint PRIMARY KEY, _AB_CDC_CURSOR bigint, text longtext, _ab_cdc_log_pos text);
            INSERT INTO filled VALUES (1, 4711, 'one', 'mine'), (2, 4712, 'two', 'mine'); CREATE VIEW shown AS SELECT * FROM filled`);
          const platform = await lab.connect({ streams: ['filled'] });
          const said = (logs: readonly string[]): readonly string[] =>
            logs.filter(text => /filled \(_AB_CDC_CURSOR, _ab_cdc_log_pos\)/.test(text));
          for (const command of ['check', 'discover'] as const) {
            const run = await runEither({ command, config: platform.config });
            expect([command, said(run.logs)]).toEqual([command, [expect.stringContaining('left out')]]);
          }
          expect(said((await platform.sync()).logs)).toHaveLength(1);
          const view = await (await lab.connect({ streams: ['shown'] })).run();
          expect(view.records[0]?.data).toEqual({ id: 1, _AB_CDC_CURSOR: 4711, text: 'one', _ab_cdc_log_pos: 'mine' });
          await lab.sql("UPDATE filled SET text = 'uno', _ab_cdc_cursor = 1 WHERE id = 1; DELETE FROM filled WHERE id = 2");
          await platform.sync();
          await platform.expectEqual([table('filled', { id: 'integer', text: 'text' })]);
        },
      )(),
  );

  it(
    'in the key they keep a table from being followed, and as full refresh they pass',
    inLab(
      () => acquireMysql(flavor),
      async lab => {
        await lab.sql(`CREATE TABLE keyed (id bigint, _AB_CDC_CURSOR bigint, PRIMARY KEY (id, _AB_CDC_CURSOR));
          INSERT INTO keyed VALUES (1, 1), (1, 2); CREATE TABLE plain (id bigint PRIMARY KEY)`);
        const checked = await runEither({ command: 'check', config: lab.database.config() });
        const said = checked.logs.filter(text => text.includes('.keyed') && text.includes('"_AB_CDC_CURSOR"'));
        expect(said).toEqual([expect.stringContaining('Rename')]);
        const platform = await lab.connect();
        const offered = platform.catalog.streams[0]?.stream;
        expect(offered?.supported_sync_modes).toEqual(['full_refresh']);
        expect(offered?.source_defined_primary_key).toEqual([['id'], ['_AB_CDC_CURSOR']]);
        const run = await platform.run();
        expect(run.records.map(({ data }) => data)).toEqual([
          { id: 1, _AB_CDC_CURSOR: 1 },
          { id: 1, _AB_CDC_CURSOR: 2 },
        ]);
        const [first, ...others] = platform.catalog.streams;
        platform.catalog = { streams: [{ ...first, sync_mode: 'incremental' } as typeof first & object, ...others] };
        const refused = await platform.run({ mayFail: true });
        expect(failureOf(refused)).toMatch(/^config_error \/ REPLICA_IDENTITY_MISSING: .*\.keyed.*"_AB_CDC_CURSOR"/);
      },
    ),
  );
});

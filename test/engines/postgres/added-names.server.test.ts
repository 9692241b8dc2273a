import { expect, it } from 'vitest';
import { discoverCatalog, runEither } from '../../kit/run-within.ts';
import { describeMajor, failureOf, inLab, table } from './lab.ts';

/** As Airbyte leaves a table behind, and the same in the spelling of other destinations. */
const filled = `CREATE TABLE filled (id bigint PRIMARY KEY, _ab_cdc_lsn bigint, text text, "_AB_CDC_UPDATED_AT" text);
  INSERT INTO filled VALUES (1, 4711, 'one', 'mine'), (2, 4712, 'two', 'mine'); CREATE VIEW shown AS SELECT * FROM filled;
  CREATE TABLE plain (id bigint PRIMARY KEY);`;
/** Two rows that only a column of ours tells apart. */
const keyed = `CREATE TABLE keyed (id bigint, _ab_cdc_lsn bigint, text text, PRIMARY KEY (id, _ab_cdc_lsn));
  INSERT INTO keyed VALUES (1, 1, 'one'), (1, 2, 'two');`;
const named = /_ab_cdc_lsn.*_AB_CDC_UPDATED_AT/;

describeMajor(18, major => {
  it(
    'columns of names that are added to changes are left out, and check, discover and read name them',
    inLab(major, async lab => {
      await lab.sql(filled);
      const platform = await lab.connect({ streams: ['filled', 'plain'] });
      const said = (logs: readonly string[]): readonly string[] =>
        logs.filter(text => text.includes('public.filled') && named.test(text));
      for (const command of ['check', 'discover'] as const) {
        const run = await runEither({ command, config: platform.config });
        expect([command, said(run.logs)]).toEqual([command, [expect.stringContaining('left out')]]);
      }
      const properties = platform.catalog.streams[0]?.stream.json_schema.properties ?? {};
      expect(Object.keys(properties)).toEqual(['id', 'text', '_ab_cdc_lsn', '_ab_cdc_updated_at', '_ab_cdc_deleted_at']);
      const first = await platform.sync();
      expect(said(first.logs)).toHaveLength(1);
      await lab.sql("UPDATE filled SET text = 'uno', _ab_cdc_lsn = 1 WHERE id = 1; DELETE FROM filled WHERE id = 2");
      await platform.sync();
      await platform.expectEqual([table('filled', { id: 'integer', text: 'text' })]);
    }),
  );

  it(
    'where nothing is added, the columns pass as they are',
    inLab(major, async lab => {
      await lab.sql(filled);
      const platform = await lab.connect({ streams: ['shown'] });
      const run = await platform.run();
      expect(run.records.map(({ data }) => data)).toEqual([
        { id: 1, _ab_cdc_lsn: 4711, text: 'one', _AB_CDC_UPDATED_AT: 'mine' },
        { id: 2, _ab_cdc_lsn: 4712, text: 'two', _AB_CDC_UPDATED_AT: 'mine' },
      ]);
      expect(run.logs.filter(text => text.includes('left out'))).toEqual([]);
    }),
  );

  it(
    'in the key they keep a table from being followed, and as full refresh they pass',
    inLab(major, async lab => {
      await lab.sql(`${filled} ${keyed}`);
      for (const command of ['check', 'discover'] as const) {
        const run = await runEither({ command, config: lab.database.config() });
        const said = run.logs.filter(text => text.includes('public.keyed') && text.includes('"_ab_cdc_lsn"'));
        expect([command, said]).toEqual([command, [expect.stringContaining('Rename')]]);
      }
      const platform = await lab.connect({ streams: ['keyed', 'plain'] });
      const offered = platform.catalog.streams[0]?.stream;
      expect(offered?.supported_sync_modes).toEqual(['full_refresh']);
      expect(offered?.source_defined_primary_key).toEqual([['id'], ['_ab_cdc_lsn']]);
      const run = await platform.sync();
      expect(run.records.map(({ data }) => data)).toEqual([
        { id: 1, _ab_cdc_lsn: 1, text: 'one' },
        { id: 1, _ab_cdc_lsn: 2, text: 'two' },
      ]);
      const [first, ...others] = platform.catalog.streams;
      platform.catalog = { streams: [{ ...first, sync_mode: 'incremental' } as typeof first & object, ...others] };
      const refused = await platform.run({ mayFail: true });
      expect(failureOf(refused)).toMatch(/^config_error \/ REPLICA_IDENTITY_MISSING: public\.keyed.*"_ab_cdc_lsn"/);
    }),
  );

  it(
    'a table that cannot be followed any more has what the catalog promises, not its own values',
    inLab(major, async lab => {
      await lab.sql(filled);
      const platform = await lab.connect({ streams: ['filled'], modes: { filled: 'full_refresh' } });
      await lab.sql('ALTER TABLE filled REPLICA IDENTITY NOTHING');
      const run = await platform.sync();
      expect(run.records.map(({ data }) => data['_ab_cdc_lsn'])).not.toContain(4711);
    }),
  );

  it(
    'with several shards the name of the shard is such a name too, for full refresh as well',
    inLab(major, async lab => {
      const other = await lab.server.createDatabase();
      lab.later(() => lab.server.dropDatabase(other));
      const sql = `CREATE TABLE own (id bigint PRIMARY KEY, "_AB_source_shard" text); CREATE VIEW seen AS SELECT * FROM own;
        CREATE TABLE part (id bigint, _ab_source_shard text, PRIMARY KEY (id, _ab_source_shard));
        INSERT INTO own VALUES (1, 'mine'); INSERT INTO part VALUES (1, 'mine');`;
      await lab.sql(sql);
      await lab.server.query(other, sql);
      const { host, port } = lab.server;
      const shards = [lab.database.name, other].map((database, at) => ({ name: `s${at}`, database, host, port }));
      const alone = await discoverCatalog(lab.database.config());
      const keyOf = (streams: typeof alone.streams): unknown =>
        streams.find(({ name }) => name === 'part')?.source_defined_primary_key;
      expect(keyOf(alone.streams)).toEqual([['id'], ['_ab_source_shard']]);
      const platform = await lab.connect({}, {}, { shards });
      expect(keyOf(platform.catalog.streams.map(({ stream }) => stream))).toBeUndefined();
      const run = await platform.run();
      for (const { data } of run.records)
        expect(data).toMatchObject({ id: 1, _ab_source_shard: expect.stringMatching(/^s[01]$/) });
      expect(run.records.map(({ stream, data }) => `${stream} ${Object.keys(data).join(' ')}`)).not.toContainEqual(
        expect.stringContaining('_AB_source_shard'),
      );
      expect(run.logs.filter(text => text.includes('left out') && text.includes('public.seen'))).toHaveLength(1);
    }),
  );
});

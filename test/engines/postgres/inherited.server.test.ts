import { expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import { discoverCatalog, runEither } from '../../kit/run-within.ts';
import { inLab } from './lab.ts';

/** As an extension for time series has it: the rows are in tables of a schema of its own, which inherit from the user's. */
const HYPERTABLE = `
  CREATE TABLE metric (id bigint PRIMARY KEY, text text); CREATE SCHEMA internal;
  CREATE TABLE internal.chunk_1 (PRIMARY KEY (id)) INHERITS (metric);
  CREATE TABLE internal.chunk_2 (PRIMARY KEY (id)) INHERITS (internal.chunk_1);
  INSERT INTO metric VALUES (1, 'own'); INSERT INTO internal.chunk_1 VALUES (1, 'twin'), (2, 'one');
  INSERT INTO internal.chunk_2 VALUES (3, 'two');`;

describePostgres(major => {
  it('a table whose rows are in tables that are not offered is read whole with them, never followed, and says so', async () => {
    await inLab(major, async lab => {
      await lab.sql(HYPERTABLE);
      const config = lab.database.config();
      const catalog = await discoverCatalog(config);
      const stream = catalog.streams.find(({ name }) => name === 'metric');
      expect(stream?.supported_sync_modes).toEqual(['full_refresh']);
      // Unique in each of the tables, not in all of them.
      expect(stream?.source_defined_primary_key ?? []).toEqual([]);
      const platform = await lab.connect();
      const run = await platform.run();
      expect(run.records.map(({ data }) => `${data['id']} ${data['text']}`).toSorted()).toEqual([
        '1 own',
        '1 twin',
        '2 one',
        '3 two',
      ]);

      const check = await runEither({ command: 'check', config });
      const told = check.messages
        .flatMap(message => message?.log?.message ?? message?.connectionStatus?.message ?? [])
        .join('\n');
      expect(told).toContain(
        'tables that inherit from public.metric are not offered themselves (internal.chunk_1, internal.chunk_2)',
      );
    })();
  });

  it('a followed table that gets such a child is not read as if nothing had happened', async () => {
    await inLab(major, async lab => {
      await lab.sql(
        "CREATE TABLE metric (id bigint PRIMARY KEY, text text); INSERT INTO metric VALUES (1, 'own'); CREATE SCHEMA internal",
      );
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql(
        "CREATE TABLE internal.chunk (PRIMARY KEY (id)) INHERITS (metric); INSERT INTO internal.chunk VALUES (2, 'hidden')",
      );
      const run = await platform.run({ mayFail: true });
      expect(run.exitCode).toBe(1);
      expect(JSON.stringify(run.traces)).toContain('internal.chunk');
    })();
  });

  it('with their schema in the configuration, parent and children are streams of their own, each with its own rows', async () => {
    await inLab(major, async lab => {
      await lab.sql(HYPERTABLE);
      const config = lab.database.config({ more: {} });
      const source = { ...(config['source'] as object), schemas: ['public', 'internal'] };
      const platform = await lab.connect({}, { source: source as never });
      const run = await platform.sync();
      const rows = run.records.map(({ namespace, stream, data }) => `${namespace}.${stream} ${data['id']}`).toSorted();
      expect(rows).toEqual(['internal.chunk_1 1', 'internal.chunk_1 2', 'internal.chunk_2 3', 'public.metric 1']);
      await lab.sql("UPDATE metric SET text = 'new' WHERE id = 3");
      const changed = await platform.sync();
      expect(changed.records.map(({ stream, data }) => `${stream} ${data['id']} ${data['text']}`)).toEqual(['chunk_2 3 new']);
    })();
  });

  it("a view is read under the role's own search_path, as psql reads it", async () => {
    await inLab(major, async lab => {
      await lab.sql(`CREATE TABLE item (id bigint PRIMARY KEY); INSERT INTO item VALUES (1), (2); CREATE SCHEMA helpers;
        CREATE FUNCTION helpers.twice(n bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 2 * n';
        CREATE FUNCTION counted() RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN twice((SELECT count(*) FROM item)); END';
        CREATE VIEW seen AS SELECT counted() AS n;
        ALTER DATABASE ${lab.database.name} SET search_path = public, helpers`);
      const platform = await lab.connect({ streams: ['seen'] });
      const run = await platform.run();
      expect(run.records.map(({ data }) => Number(data['n']))).toEqual([4]);
    })();
  });
});

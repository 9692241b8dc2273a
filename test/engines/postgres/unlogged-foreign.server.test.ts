import { expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import { failureOf, inLab, literal } from './lab.ts';

describePostgres(major => {
  it(
    'foreign and unlogged tables are read as full refresh, whole and anew each time; asked for as incremental, they alone fail',
    inLab(major, async lab => {
      const { host, port, username, password } = lab.server;
      await lab.sql(`CREATE SCHEMA far; CREATE TABLE far.away (id bigint PRIMARY KEY, text text, n numeric(10,2));
        INSERT INTO far.away SELECT i, 'row ' || i, i + 0.5 FROM generate_series(1, 50) i;
        CREATE EXTENSION postgres_fdw;
        CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host ${literal(host)}, port '${port}', dbname ${literal(lab.database.name)});
        CREATE USER MAPPING FOR CURRENT_USER SERVER loop OPTIONS (user ${literal(username)}, password ${literal(password)});
        CREATE FOREIGN TABLE away (id bigint NOT NULL, text text, n numeric(10,2)) SERVER loop OPTIONS (schema_name 'far', table_name 'away');
        CREATE UNLOGGED TABLE volatile (id bigint PRIMARY KEY, text text); INSERT INTO volatile SELECT i, 'v' FROM generate_series(1, 50) i;
        CREATE TABLE thing (id bigint PRIMARY KEY, text text); INSERT INTO thing VALUES (1, 'one')`);
      const platform = await lab.connect();
      const modes = platform.catalog.streams.map(({ stream, sync_mode }) => [
        stream.name,
        stream.supported_sync_modes,
        sync_mode,
      ]);
      expect(modes).toEqual([
        ['away', ['full_refresh'], 'full_refresh'],
        ['thing', ['full_refresh', 'incremental'], 'incremental'],
        ['volatile', ['full_refresh'], 'full_refresh'],
      ]);
      for (let round = 0; round < 2; round++) {
        const run = await platform.run();
        const rows = (stream: string): unknown[] =>
          run.records.filter(record => record.stream === stream).map(({ data }) => data);
        expect(rows('volatile')).toHaveLength(50);
        expect(rows('away')).toHaveLength(50 + round);
        expect(rows('away')[4]).toMatchObject({ id: 5, text: 'row 5', n: 5.5 });
        expect(rows('thing')).toHaveLength(1 - round);
        platform.stored = [...run.states.slice(-1)];
        if (round === 0) await lab.sql("INSERT INTO far.away VALUES (51, 'row 51', 0)");
      }
      const asked = platform.catalog.streams.map(stream =>
        stream.stream.name === 'volatile' ? { ...stream, sync_mode: 'incremental' } : stream,
      );
      platform.catalog = { ...platform.catalog, streams: asked };
      const run = await platform.run({ mayFail: true });
      expect(failureOf(run)).toMatch(/REPLICA_IDENTITY_MISSING: public\.volatile: .*SET LOGGED/);
      expect(run.records.map(({ stream }) => stream)).toEqual(Array(51).fill('away'));
      // The server behind the foreign table is away.
      await lab.sql("ALTER SERVER loop OPTIONS (SET port '1')");
      expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/^(transient|config)_error \/ .*public\.away/);
    }),
  );
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OwnPostgresServer, startPostgres } from '../../kit/servers/postgres.ts';
import { renewSystemIdentifier } from '../../kit/servers/postgres-binaries.ts';
import { brief, describeMajor, failureOf, inLab, type Lab, table, thing } from './lab.ts';

const part = table('part', { id: 'integer', text: 'text' });
const create = `CREATE TABLE thing (id bigint PRIMARY KEY, text text); INSERT INTO thing VALUES (1, 'one'), (2, 'two');
  CREATE TABLE part (id bigint PRIMARY KEY, text text) PARTITION BY RANGE (id);
  CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100); INSERT INTO part VALUES (1, 'one')`;

describeMajor(18, major => {
  let server: OwnPostgresServer;
  beforeAll(async () => {
    // Its statistics would be transactions of their own.
    server = await startPostgres({ major, settings: { autovacuum: 'off' } });
  });
  afterAll(() => server?.stop());
  const own = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(major, body, () => server);

  /** Leaves what pg_upgrade leaves: another system identifier, the same oids and files, a catalog and a slot of its own. */
  const upgrade = async (lab: Lab): Promise<void> => {
    const { name } = lab.database;
    await server.halt();
    await renewSystemIdentifier(server.dataFolder);
    await server.start();
    await lab.sql(`SELECT pg_drop_replication_slot('${name}')`);
    // Two for pg_database, two for template1, two for template0 before the one that writes what databases are copied from.
    for (let count = 0; count < 6; count++) await lab.sql('SELECT pg_current_xact_id()');
    await lab.sql("UPDATE pg_class SET relpages = relpages WHERE oid < 16384 AND relkind IN ('r', 't', 'm')");
    await lab.sql(`UPDATE pg_attribute SET attndims = attndims WHERE attrelid >= 16384; UPDATE pg_inherits SET inhseqno = inhseqno;
      CREATE PUBLICATION again FOR TABLE ONLY thing, part WITH (publish_via_partition_root = true, publish_generated_columns = stored);
      DROP PUBLICATION "${name}"; ALTER PUBLICATION again RENAME TO "${name}";
      COMMENT ON PUBLICATION "${name}" IS 'Managed by source-tributary: tables are added as they are needed.'`);
    await lab.sql(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`);
  };
  const live = (lab: Lab): Promise<unknown> =>
    lab.sql("UPDATE thing SET text = 'uno' WHERE id = 1; DELETE FROM thing WHERE id = 2; INSERT INTO part VALUES (2, 'two')");

  it.each(['global', 'per_stream'])(
    'a state of before pg_upgrade is read on from, where nothing happened since the last sync (%s)',
    form =>
      own(async lab => {
        await lab.sql(create);
        const platform = await lab.connect({ streams: ['thing', 'part'] }, { state_type: form });
        await platform.sync();
        await lab.sql("UPDATE thing SET text = 'II' WHERE id = 2");
        // The second of these confirms to the slot what the first has read: pg_upgrade refuses before.
        await platform.sync();
        await platform.sync();
        const old = platform.fork();
        await upgrade(lab);
        await live(lab);
        const run = await platform.sync();
        expect([brief(run, 'thing', 'id', 'text'), brief(run, 'part', 'id')]).toEqual([['1 "uno"', 'gone 2 null'], ['2']]);
        expect(run.logs.filter(message => message.includes('was made by pg_upgrade of the cluster'))).toHaveLength(1);
        await platform.expectEqual([thing, part]);
        await lab.sql("INSERT INTO thing VALUES (3, 'three')");
        expect(brief(await platform.sync(), 'thing', 'id')).toEqual(['3']);
        await platform.sync();
        await platform.expectEqual([thing, part]);
        // The state of before comes back when the slot is past the upgrade.
        expect(failureOf(await old.run({ mayFail: true }))).toMatch(/^config_error \/ POSITION_LOST: .*pg_upgrade/);
      })(),
  );

  it.each([
    ['something was written after the last sync', true],
    ['the state is not the last one', false],
  ])('what cannot be shown is POSITION_LOST: %s', (_, late) =>
    own(async lab => {
      await lab.sql(create);
      const platform = await lab.connect({ streams: ['thing', 'part'] });
      await platform.sync();
      const stale = platform.fork();
      await lab.sql("UPDATE thing SET text = 'II' WHERE id = 2");
      await platform.sync();
      await platform.sync();
      if (late) await lab.sql("UPDATE thing SET text = 'late' WHERE id = 2");
      await upgrade(lab);
      const lost = await (late ? platform : stale).run({ mayFail: true });
      expect(failureOf(lost)).toMatch(
        /^config_error \/ POSITION_LOST: .*there were transactions between the last sync and the upgrade/,
      );
    })(),
  );
});

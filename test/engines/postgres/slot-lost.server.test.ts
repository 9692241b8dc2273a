import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeServer } from '../../kit/engines.ts';
import type { Platform } from '../../kit/platform.ts';
import { runConnector } from '../../kit/run-connector.ts';
import { type OwnPostgresServer, postgresUnavailable, startPostgres } from '../../kit/servers/postgres.ts';
import { createTwo, failureOf, inLab, type Lab, thing } from './lab.ts';

describeServer('PostgreSQL 18, with little room for the log', postgresUnavailable(18), () => {
  let server: OwnPostgresServer;
  beforeAll(async () => {
    server = await startPostgres({
      major: 18,
      settings: { max_slot_wal_keep_size: '1MB', min_wal_size: '32MB', max_wal_size: '32MB' },
    });
  });
  afterAll(() => server.stop());
  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(18, body, () => server);

  /** A database that was read once, has changed since, and of whose slot the server has then discarded the log. */
  const lost = async (lab: Lab): Promise<Platform> => {
    await lab.sql(createTwo);
    const platform = await lab.connect();
    await platform.sync();
    await lab.sql(
      "INSERT INTO thing VALUES (3, 'three'); UPDATE thing SET text = 'uno' WHERE id = 1; DELETE FROM thing WHERE id = 2",
    );
    for (let i = 0; i < 4; i++) await lab.sql('SELECT pg_switch_wal(); CREATE TABLE filler AS SELECT 1; DROP TABLE filler');
    await lab.sql('CHECKPOINT');
    await lab.until(`(SELECT wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = '${lab.database.name}')`);
    for (let attempt = 0; attempt < 2; attempt++) {
      const run = await platform.run({ mayFail: true });
      expect(failureOf(run)).toMatch(/^config_error \/ POSITION_LOST: .*discarded/);
      expect(run.records).toEqual([]);
      platform.store(run);
    }
    return platform;
  };

  it(
    '#6 the server has discarded what the slot still needed: read anew if the user allowed it',
    lab(async lab => {
      const platform = await lost(lab);
      await platform.sync({ config: lab.database.config({ more: { invalid_position: 'resnapshot' } }) });
      expect((await platform.differences([thing])).filter(text => !text.includes('too many'))).toEqual([]);
      await lab.sql("UPDATE thing SET text = 'later' WHERE id = 1");
      await platform.sync();
      expect((await platform.differences([thing])).filter(text => !text.includes('too many'))).toEqual([]);
    }),
  );

  it(
    '#6 the same, and the user clears the streams as the message says: check lets the read through, which begins anew',
    lab(async lab => {
      const platform = await lost(lab);
      platform.stored = [];
      for (const destination of [platform.everything, platform.committed]) destination.clear('thing');
      const check = await runConnector({ command: 'check', config: platform.config });
      expect(check.messages.at(-1)?.connectionStatus?.status).toBe('SUCCEEDED');
      expect(check.logs.join('\n')).toMatch(/discarded.*clear the streams/s);
      const run = await platform.sync();
      expect(run.logs.some(message => message.includes('Dropping the replication slot'))).toBe(true);
      await platform.expectEqual([thing]);
      await lab.sql("UPDATE thing SET text = 'later' WHERE id = 1");
      await platform.sync();
      await platform.expectEqual([thing]);
    }),
  );

  it(
    '#6 the slot was idle for longer than idle_replication_slot_timeout: lost, and check tells of the setting before',
    lab(async lab => {
      await lab.sql(createTwo);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql("ALTER SYSTEM SET idle_replication_slot_timeout = '1s'");
      lab.later(() => lab.sql('ALTER SYSTEM RESET idle_replication_slot_timeout').then(() => lab.sql('SELECT pg_reload_conf()')));
      await lab.sql('SELECT pg_reload_conf()');
      await lab.until("current_setting('idle_replication_slot_timeout') = '1s'");
      const check = await runConnector({ command: 'check', config: platform.config });
      expect(check.logs.join()).toMatch(/idle_replication_slot_timeout is 1s/);
      await lab.until(
        `(SELECT inactive_since < now() - interval '2s' FROM pg_replication_slots WHERE slot_name = '${lab.database.name}')`,
      );
      await lab.sql('CHECKPOINT');
      await lab.until(
        `(SELECT invalidation_reason = 'idle_timeout' FROM pg_replication_slots WHERE slot_name = '${lab.database.name}')`,
      );
      expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/^config_error \/ POSITION_LOST: .*idle_timeout/);
    }),
  );

  it(
    '#6 a failover slot, made by hand before the first read, is taken as it is',
    lab(async lab => {
      const { name } = lab.database;
      await lab.sql(createTwo);
      await lab.sql(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput', failover => true)`);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql("UPDATE thing SET text = 'later' WHERE id = 1");
      await platform.sync();
      await platform.expectEqual([thing]);
      expect(await lab.slot()).toMatchObject({ failover: true });
    }),
  );
});

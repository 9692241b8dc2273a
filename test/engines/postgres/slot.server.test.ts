import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { describeServer } from '../../kit/engines.ts';
import type { Platform } from '../../kit/platform.ts';
import { runConnector } from '../../kit/run-connector.ts';
import { postgresUnavailable, startPostgres } from '../../kit/servers/postgres.ts';
import { sleep } from '../../kit/servers/process.ts';
import { begun, brief, createOne, describeMajor, failureOf, inLab, type Lab, lost, lsn, positionOf, thing } from './lab.ts';

/** The position is lost: loudly, again and again, and the way out is the one that `invalid_position` opens. */
const expectLost = async (lab: Lab, platform: Platform, says: RegExp): Promise<void> => {
  for (let attempt = 0; attempt < 2; attempt++) {
    const run = await platform.run({ mayFail: true });
    expect(failureOf(run)).toMatch(lost);
    expect(failureOf(run)).toMatch(says);
    expect(run.records).toEqual([]);
    platform.store(run);
  }
  await platform.sync({ config: lab.database.config({ more: { invalid_position: 'resnapshot' } }) });
  await platform.expectEqual([thing]);
  await lab.sql("UPDATE thing SET text = 'later' WHERE id = 1");
  await platform.sync();
  await platform.expectEqual([thing]);
};

const dropSlot = (lab: Lab): string => `SELECT pg_drop_replication_slot('${lab.database.name}')`;
const createSlot = (lab: Lab, plugin = 'pgoutput'): string =>
  `SELECT pg_create_logical_replication_slot('${lab.database.name}', '${plugin}')`;

describeMajor(14, major => {
  describe('the slot', () => {
    it(
      '#6 was dropped between two reads',
      inLab(major, async lab => {
        const platform = await begun(lab);
        await lab.sql(dropSlot(lab));
        await expectLost(lab, platform, /does not exist/);
      }),
    );

    it(
      '#6 was dropped and made again by hand: it begins behind the state',
      inLab(major, async lab => {
        const platform = await begun(lab);
        await lab.sql(dropSlot(lab));
        await lab.sql(createSlot(lab));
        await expectLost(lab, platform, /past .* of the state/);
      }),
    );

    it(
      'was read by somebody else, who confirmed more than our state has',
      inLab(major, async lab => {
        const platform = await begun(lab);
        await lab.sql(`SELECT pg_replication_slot_advance('${lab.database.name}', pg_current_wal_lsn())`);
        await expectLost(lab, platform, /past .* of the state/);
      }),
    );

    it(
      'belongs to another plugin, or is a physical one, or of another database',
      inLab(major, async lab => {
        await lab.sql(createOne);
        const platform = await lab.connect();
        const name = lab.database.name;
        await lab
          .sql(createSlot(lab, 'test_decoding'))
          .catch(() => lab.sql(`SELECT pg_create_physical_replication_slot('${name}')`));
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(
          /^config_error \/ SLOT_UNUSABLE: .*(test_decoding|physical)/,
        );
        await lab.sql(dropSlot(lab));
        await lab.sql(`SELECT pg_create_physical_replication_slot('${name}')`);
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/^config_error \/ SLOT_UNUSABLE: .*physical/);
        await lab.sql(dropSlot(lab));
        await lab.server.query('postgres', createSlot(lab));
        lab.later(() => lab.server.query('postgres', `SELECT pg_drop_replication_slot('${name}')`));
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/^config_error \/ SLOT_UNUSABLE: .*database "postgres"/);
      }),
    );

    it(
      'a state with a slot that is not there never makes or moves one',
      inLab(major, async lab => {
        const platform = await begun(lab);
        await lab.sql(dropSlot(lab));
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(lost);
        expect(await lab.slot()).toBeUndefined();
        await lab.sql(createSlot(lab));
        const before = await lab.slot();
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(lost);
        expect((await lab.slot())?.['confirmed_flush_lsn']).toEqual(before?.['confirmed_flush_lsn']);
      }),
    );

    it(
      'without a state the log begins where the slot stands: an earlier run died early',
      inLab(major, async lab => {
        await lab.sql(`${createOne} INSERT INTO thing SELECT i, 'x' FROM generate_series(10, 4000) i`);
        const platform = await lab.connect();
        const killed = await platform.run({ killAfter: { lines: 30 }, mayFail: true });
        expect(killed.signal).toBe('SIGKILL');
        platform.store(killed, -1);
        const made = lsn(String((await lab.slot())?.['confirmed_flush_lsn']));
        await lab.sql("DELETE FROM thing WHERE id < 100; UPDATE thing SET text = 'y' WHERE id > 3900");
        const run = await platform.sync();
        expect(
          lsn(positionOf([run.states[0] ?? platform.stored[0]].filter(state => state !== undefined)).lsn),
        ).toBeGreaterThanOrEqual(made);
        await platform.expectEqual([thing]);
      }),
    );
  });
});

describeMajor(18, major => {
  describe('the slot', () => {
    it(
      'is held by a killed predecessor, and free as soon as the server notices',
      inLab(major, async lab => {
        const platform = await begun(lab);
        // A walsender of ours that goes away only later.
        const holder = await lab.server.client(lab.database.name, { replication: 'database' } as object);
        const streaming = holder
          .query(
            `START_REPLICATION SLOT "${lab.database.name}" LOGICAL 0/0 (proto_version '1', publication_names '"${lab.database.name}"')`,
          )
          .catch(() => {});
        await lab.until(`(SELECT active FROM pg_replication_slots WHERE slot_name = '${lab.database.name}')`);
        const running = platform.sync();
        await sleep(2500);
        await lab.sql(
          `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '${lab.database.name}'`,
        );
        const run = await running;
        await streaming;
        await holder.end().catch(() => {});
        expect(run.logs.some(message => message.includes('Waiting for the replication slot'))).toBe(true);
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'was dropped in the middle of a read: the read ends, and the state is of no use without it',
      inLab(major, async lab => {
        await lab.makeGate();
        const platform = await begun(lab);
        await platform.sync(); // the slot is behind the state now, so that the next read opens the log at once
        const slot = `FROM pg_replication_slots WHERE slot_name = '${lab.database.name}'`;
        const run = await lab.atGate(
          () => platform.run({ mayFail: true }),
          async () => {
            await lab.sql(`SELECT pg_terminate_backend(active_pid) ${slot}`);
            await lab.until(`NOT (SELECT active ${slot})`);
            await lab.sql(dropSlot(lab));
            await lab.sql("INSERT INTO thing VALUES (3, 'three')");
          },
        );
        expect(failureOf(run)).toMatch(/^transient_error \/ /);
        platform.store(run);
        await expectLost(lab, platform, /does not exist/);
      }),
    );

    it(
      'lets the server forget the log behind the states that came in',
      inLab(major, async lab => {
        const platform = await begun(lab);
        let before = 0n;
        const kept = async (): Promise<bigint> => lsn(String((await lab.slot())?.['restart_lsn']));
        for (let round = 0; round < 4; round++) {
          const stored = positionOf(platform.stored).lsn;
          await lab.sql('SELECT pg_log_standby_snapshot()');
          await lab.sql(`INSERT INTO thing VALUES (${100 + round}, 'x')`);
          await lab.sql('SELECT pg_log_standby_snapshot()');
          await platform.sync();
          expect(lsn(String((await lab.slot())?.['confirmed_flush_lsn']))).toBe(lsn(stored));
          if (round > 1) expect(await kept()).toBeGreaterThan(before);
          before = await kept();
        }
      }),
    );

    it(
      'has two_phase: refused by check and read, and a prepared transaction is never taken for a committed one',
      inLab(major, async lab => {
        const { name } = lab.database;
        await lab.makeGate();
        await lab.sql(createOne);
        const platform = await lab.connect({ streams: ['thing', 'gate'], modes: { gate: 'full_refresh' } });
        await lab.sql(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput', false, true)`);
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(
          /^config_error \/ SLOT_UNUSABLE: .*two_phase.*pg_drop_replication_slot/,
        );
        const check = await runConnector({ command: 'check', config: platform.config });
        expect(check.lines.join()).toMatch(/two_phase = true.*pg_drop_replication_slot/);
        await lab.sql(dropSlot(lab));
        const replication = await lab.server.client(name, { replication: 'database' } as object);
        lab.later(() => replication.end());
        const run = await lab.atGate(
          () => platform.run({ mayFail: true }),
          async () => {
            // The slot is there and not read yet: somebody may still change it.
            await replication.query(`ALTER_REPLICATION_SLOT "${name}" (TWO_PHASE true)`);
            await lab.sql("BEGIN; INSERT INTO thing VALUES (2, 'prepared'); PREPARE TRANSACTION 'half'");
          },
        );
        lab.later(() => lab.sql("ROLLBACK PREPARED 'half'").catch(() => {}));
        expect(failureOf(run)).toMatch(/^config_error \/ SLOT_UNUSABLE: .*"half"/);
        expect(brief(run, 'thing', 'id')).toEqual(['1']);
        platform.store(run);
        await lab.sql("COMMIT PREPARED 'half'");
        await replication.query(`ALTER_REPLICATION_SLOT "${name}" (TWO_PHASE false)`);
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'starting_gtids: begins there without a snapshot; a state wins; nonsense and the future are refused',
      inLab(major, async lab => {
        const { name } = lab.database;
        await lab.sql(`${createOne} CREATE PUBLICATION "${name}" FOR TABLE thing`);
        await lab.sql(createSlot(lab));
        const [at] = await lab.sql('SELECT pg_current_wal_flush_lsn()::text AS lsn');
        await lab.sql("INSERT INTO thing VALUES (2, 'two')");
        const seeded = (position: string) => lab.database.config({ more: { starting_gtids: { [name]: { main: position } } } });
        const platform = await lab.connect();
        expect(failureOf(await platform.run({ config: seeded('16 B3748'), mayFail: true }))).toMatch(
          /^config_error \/ CONFIG_INVALID/,
        );
        expect(failureOf(await platform.run({ config: seeded('7FFFF/0'), mayFail: true }))).toMatch(lost);
        const first = await platform.sync({ config: seeded(String(at?.['lsn'])) });
        expect(brief(first, 'thing', 'id', 'text')).toEqual(['2 "two"']);
        await lab.sql("INSERT INTO thing VALUES (3, 'three')");
        const second = await platform.sync({ config: seeded('7FFFF/0') });
        expect(brief(second, 'thing', 'id', 'text')).toEqual(['3 "three"']);
      }),
    );
  });
});

describeServer('PostgreSQL 14, servers that change behind their name', postgresUnavailable(14), () => {
  it('another server answers with the same tables and the same slot', async () => {
    const other = await startPostgres({ major: 14 });
    try {
      await inLab(14, async lab => {
        const platform = await begun(lab);
        const { name } = lab.database;
        await other.createDatabase(name);
        await other.query(name, `${createOne} CREATE PUBLICATION "${name}" FOR TABLE thing`);
        await other.query(name, createSlot(lab));
        const config = lab.database.config({ endpoint: other });
        const run = await platform.run({ config, mayFail: true });
        expect(failureOf(run)).toMatch(lost);
        expect(failureOf(run)).toMatch(/another one answers/);
        expect(run.records).toEqual([]);
        await other.query(name, "INSERT INTO thing VALUES (7, 'other')");
        await platform.sync({ config: { ...config, invalid_position: 'resnapshot' } });
        // Rows of the old server that the new one does not have stay: nothing says that they are gone.
        expect(platform.committed.rowCount('thing')).toBe(2);
        await other.query(name, "UPDATE thing SET text = 'other too' WHERE id = 1");
        const next = await platform.sync({ config });
        expect(brief(next, 'thing', 'id', 'text')).toEqual(['1 "other too"']);
        expect(platform.committed.backwards).toEqual([]);
      })();
    } finally {
      await other.stop();
      await rm(other.dataFolder, { recursive: true, force: true });
    }
  });
});

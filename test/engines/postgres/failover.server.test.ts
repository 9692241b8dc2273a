import { join } from 'node:path';
import { expect, it } from 'vitest';
import { OwnPostgresServer, startPostgres } from '../../kit/servers/postgres.ts';
import { type PostgresMajor, postgresBinaries } from '../../kit/servers/postgres-binaries.ts';
import { freePort, newServerFolder, serverAccount, sleep, writeFor } from '../../kit/servers/process.ts';
import { brief, createTwo, describeMajor, failureOf, inLab, type Lab, lost, lsn, positionOf, thing } from './lab.ts';

/** A copy of a server that stands still, slots and all, on a port of its own; not started yet. */
const copyOf = async (server: OwnPostgresServer): Promise<OwnPostgresServer> => {
  const { bin } = await postgresBinaries(server.major);
  const folder = await newServerFolder(`postgres-${server.major}-copy`, server.dataFolder);
  const { major, host, username, password } = server;
  const copy = new OwnPostgresServer(
    { major, host, port: await freePort(), username, password },
    folder,
    bin,
    await serverAccount(),
  );
  await copy.configure({ port: String(copy.port) });
  return copy;
};

/** Makes the copy begin as what the name of this file says: recovery.signal, standby.signal. */
const signal = async (copy: OwnPostgresServer, file: string): Promise<void> =>
  writeFor(await serverAccount(), join(copy.dataFolder, file), '');

/** Starts the copy as the new primary: at the end of its log begins a timeline of its own. */
const promote = async (copy: OwnPostgresServer): Promise<void> => {
  await signal(copy, 'recovery.signal');
  await copy.configure({ restore_command: 'false', recovery_target_action: 'promote' });
  await copy.start();
  // It answers queries while it still recovers.
  while ((await copy.query('postgres', 'SELECT pg_is_in_recovery() AS yes'))[0]?.['yes'] === true) await sleep(50);
};

/** The body of a test with a server of its own. */
const withServer =
  (major: PostgresMajor, body: (lab: Lab, server: OwnPostgresServer) => Promise<void>): (() => Promise<void>) =>
  async () => {
    const server = await startPostgres({ major });
    try {
      await inLab(
        major,
        lab => body(lab, server),
        () => server,
      )();
    } finally {
      await server.stop();
    }
  };

/** Stops the server and goes on beside a copy of it; in the end the server runs again, and the copy is gone. */
const besideCopy = async (server: OwnPostgresServer, body: (copy: OwnPostgresServer) => Promise<void>): Promise<void> => {
  await server.halt();
  const copy = await copyOf(server);
  try {
    await body(copy);
  } finally {
    await copy.stop();
    if (server.pid === undefined) await server.start();
  }
};

describeMajor(14, major => {
  it(
    'a standby is promoted that had all that was read: the log goes on there, and the ordering key with it',
    withServer(major, async (lab, old) => {
      await lab.sql(createTwo);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql("UPDATE thing SET text = 'uno' WHERE id = 1");
      await platform.sync();
      await lab.sql("INSERT INTO thing VALUES (3, 'unread')");
      const before = positionOf(platform.stored);
      await besideCopy(old, async copy => {
        await promote(copy);
        const { name } = lab.database;
        await copy.query(name, "UPDATE thing SET text = 'by the new primary' WHERE id = 2");
        const config = lab.database.config({ endpoint: copy });
        const run = await platform.sync({ config });
        expect(brief(run, 'thing', 'id', 'text')).toEqual(['3 "unread"', '2 "by the new primary"']);
        const after = positionOf(platform.stored);
        expect([before.timeline, after.timeline]).toEqual([1, 2]);
        expect(after.clock).toBeGreaterThan(before.clock);
        await copy.query(name, 'DELETE FROM thing WHERE id = 3');
        await platform.sync({ config });
        expect(platform.committed.rowCount('thing')).toBe(2);
        expect(platform.committed.backwards).toEqual([]);
        // Back to the old one, whose history ended before that: not the same log any more.
        await old.start();
        const strayed = await platform.run({ mayFail: true });
        expect(failureOf(strayed)).toMatch(lost);
        expect(failureOf(strayed)).toMatch(/timeline 2.* the server is on 1/);
      });
      await platform.sync({ config: lab.database.config({ more: { invalid_position: 'resnapshot' } }) });
      expect((await platform.differences([thing])).filter(text => !text.includes('too many'))).toEqual([]);
    }),
  );
});

describeMajor(18, major => {
  it(
    'a standby is promoted that lacked what was read: lost, loudly; read anew, new rows beat the old ones',
    withServer(major, async (lab, old) => {
      await lab.sql(createTwo);
      const platform = await lab.connect();
      await platform.sync();
      await besideCopy(old, async copy => {
        await old.start();
        await lab.sql(
          "UPDATE thing SET text = 'only on the old primary'; INSERT INTO thing VALUES (3, 'only on the old primary')",
        );
        await platform.sync();
        await promote(copy);
        const { name } = lab.database;
        // Its log grows past the position that was read: the LSN alone would look right.
        await copy.query(name, 'CREATE TABLE filler AS SELECT generate_series(1, 20000)');
        await copy.query(name, "UPDATE thing SET text = 'new history' WHERE id = 2");
        const [head] = await copy.query(name, 'SELECT pg_current_wal_lsn()::text AS lsn');
        expect(lsn(String(head?.['lsn']))).toBeGreaterThan(lsn(positionOf(platform.stored).lsn));
        const run = await platform.run({ config: lab.database.config({ endpoint: copy }), mayFail: true });
        expect(failureOf(run)).toMatch(lost);
        expect(failureOf(run)).toMatch(/timeline 1 ended at/);
        expect(run.records).toEqual([]);
        await platform.sync({ config: lab.database.config({ endpoint: copy, more: { invalid_position: 'resnapshot' } }) });
        const rows = await copy.query(name, 'SELECT id::text, text FROM thing ORDER BY id');
        expect(rows).toEqual([
          { id: '1', text: 'one' },
          { id: '2', text: 'new history' },
        ]);
        const expected = rows.map(row => ({ id: `\0${row['id']}`, text: String(row['text']) }));
        for (const destination of [platform.everything, platform.committed]) {
          expect(destination.differences('thing', expected).filter(text => !text.includes('too many'))).toEqual([]);
        }
      });
    }),
  );
});

describeMajor(18, major => {
  it(
    'where any standby may be the synchronous one, commits during a read do not wait for us',
    withServer(major, async (lab, primary) => {
      await primary.query('postgres', "ALTER SYSTEM SET synchronous_commit = 'local'");
      await besideCopy(primary, async standby => {
        await primary.start();
        await lab.makeGate();
        await lab.sql(createTwo);
        const platform = await lab.connect({ streams: ['thing', 'gate'], modes: { gate: 'full_refresh' } });
        await platform.sync();
        await lab.sql("UPDATE thing SET text = 'uno' WHERE id = 1");
        await platform.sync(); // the slot is behind the state now, so that the next read opens the log at once
        const { host, port, username, password } = primary;
        await signal(standby, 'standby.signal');
        const primaryConninfo = `host=${host} port=${port} user=${username} password=${password}`;
        await standby.configure({ primary_conninfo: primaryConninfo });
        await lab.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        await lab.sql('SELECT pg_reload_conf()');
        const client = await lab.client();
        await client.query('SET synchronous_commit = on');
        let done = false;
        platform.store(
          await lab.atGate(
            () => platform.run(),
            async () => {
              const streaming = (name: string): Promise<void> =>
                lab.until(`EXISTS (SELECT FROM pg_stat_replication WHERE application_name = '${name}' AND state = 'streaming')`);
              await streaming('source-tributary');
              // Of standbys of one priority the first that connected is the synchronous one.
              await standby.start();
              await streaming('walreceiver');
              const commit = client.query("UPDATE thing SET text = 'due' WHERE id = 2").then(() => {
                done = true;
              });
              await Promise.race([commit, sleep(10_000)]);
            },
          ),
        );
        expect(done).toBe(true);
        await platform.expectEqual([thing]);
      });
    }),
  );
});

describeMajor(14, major => {
  it(
    'the server is restored to an earlier time: lost while its log is shorter than what was read',
    withServer(major, async (lab, old) => {
      await lab.sql(createTwo);
      const platform = await lab.connect();
      await platform.sync();
      await besideCopy(old, async copy => {
        await old.start();
        await lab.sql('CREATE TABLE filler AS SELECT generate_series(1, 50000)');
        await lab.sql("UPDATE thing SET text = 'undone by the restore'");
        await platform.sync();
        await copy.start();
        const run = await platform.run({ config: lab.database.config({ endpoint: copy }), mayFail: true });
        expect(failureOf(run)).toMatch(lost);
        expect(failureOf(run)).toMatch(/the server lost its latest changes/);
        const config = lab.database.config({ endpoint: copy, more: { invalid_position: 'resnapshot' } });
        await platform.sync({ config });
        await copy.query(lab.database.name, "UPDATE thing SET text = 'after' WHERE id = 1");
        await platform.sync({ config });
        const expected = [
          { id: '\u00001', text: 'after' },
          { id: '\u00002', text: 'two' },
        ];
        expect(platform.everything.differences('thing', expected)).toEqual([]);
        expect(platform.committed.differences('thing', expected)).toEqual([]);
      });
    }),
  );
});

import { expect, it } from 'vitest';
import { streamStates } from '../../kit/catalog.ts';
import { statusesOf } from '../../kit/lab.ts';
import { createTwo, describeMajor, failureOf, identifier, inLab, type Lab, table, thing } from './lab.ts';

const part = table('part', { id: 'integer', text: 'text' });
const other = table('other', { id: 'integer', text: 'text' });

/** A table `thing` of two rows and another one, and a role that owns neither: row-level security applies to it. */
const begin = async (lab: Lab): Promise<string> => {
  const role = `reader_${lab.database.name}`;
  await lab.sql(`${createTwo} CREATE TABLE other (id bigint PRIMARY KEY, text text); INSERT INTO other VALUES (1, 'one');
    CREATE PUBLICATION ${identifier(lab.database.name)} FOR TABLE thing, other;
    CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'reader'; GRANT SELECT ON thing, other TO ${role}`);
  lab.later(() => lab.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`));
  return role;
};

interface Way {
  /** What keeps the table from being followed. */
  readonly turn: string;
  /** Changes that are possible then. */
  readonly meanwhile: string;
  /** How it is undone. */
  readonly back: string;
  /** What the error says. */
  readonly reason: RegExp;
}
type Turn = readonly [what: string, way: Way];

const insert = "INSERT INTO thing VALUES (3, 'three')";
const turns: readonly Turn[] = [
  [
    'row-level security is turned on',
    {
      turn: 'ALTER TABLE thing ENABLE ROW LEVEL SECURITY',
      meanwhile: "UPDATE thing SET text = 'unseen' WHERE id = 1; DELETE FROM thing WHERE id = 2",
      back: 'ALTER TABLE thing DISABLE ROW LEVEL SECURITY',
      reason: /row-level security/,
    },
  ],
  [
    'the key is made DEFERRABLE',
    {
      turn: 'ALTER TABLE thing DROP CONSTRAINT thing_pkey; ALTER TABLE thing ADD PRIMARY KEY (id) DEFERRABLE',
      meanwhile: insert,
      back: 'ALTER TABLE thing DROP CONSTRAINT thing_pkey; ALTER TABLE thing ADD PRIMARY KEY (id)',
      reason: /DEFERRABLE/,
    },
  ],
  [
    'the key is dropped',
    {
      turn: 'ALTER TABLE thing DROP CONSTRAINT thing_pkey',
      meanwhile: insert,
      back: 'ALTER TABLE thing ADD PRIMARY KEY (id)',
      reason: /no primary key/,
    },
  ],
  [
    'the replica identity becomes NOTHING',
    {
      turn: 'ALTER TABLE thing REPLICA IDENTITY NOTHING',
      meanwhile: insert,
      back: 'ALTER TABLE thing REPLICA IDENTITY DEFAULT',
      reason: /REPLICA IDENTITY NOTHING/,
    },
  ],
];

describeMajor(18, major => {
  const forms = [...turns.map(turn => ['global', ...turn] as const), ['per_stream', ...(turns[0] as Turn)] as const];
  it.each(forms)(
    '%s states: a followed table of which %s stops the read before anything moves; undone, not a change is missing',
    (form, _, { turn, meanwhile, back, reason }) =>
      inLab(major, async lab => {
        const role = await begin(lab);
        const platform = await lab.connect({}, { state_type: form }, { username: role, password: 'reader' });
        await platform.sync();
        const at = streamStates(platform.stored);
        await lab.sql("UPDATE thing SET text = 'uno' WHERE id = 1; UPDATE other SET text = 'uno'");
        await lab.sql(turn);
        await lab.sql(`${meanwhile}; UPDATE other SET text = 'due'`);
        for (let attempt = 0; attempt < 2; attempt++) {
          const run = await platform.run({ mayFail: true });
          expect(failureOf(run)).toMatch(/^config_error \/ REPLICA_IDENTITY_MISSING: .*public\.thing/);
          expect(failureOf(run)).toMatch(reason);
          expect(run.records).toEqual([]);
          platform.store(run);
          expect(streamStates(platform.stored)).toEqual(at);
        }
        await lab.sql(back);
        await lab.sql("UPDATE thing SET text = 'again' WHERE id = 1");
        await platform.sync();
        await platform.expectEqual([thing, other]);
      })(),
  );

  it(
    'a snapshot that is half done stops too when its table cannot be followed any more, and goes on when it can',
    inLab(major, async lab => {
      const role = await begin(lab);
      await lab.sql("INSERT INTO thing SELECT i, 'row ' || i FROM generate_series(3, 3000) i");
      const platform = await lab.connect({}, {}, { username: role, password: 'reader' });
      const killed = await platform.run({ killAfter: { when: line => line.includes('"cursor"') }, mayFail: true });
      expect(killed.signal).toBe('SIGKILL');
      platform.store(killed);
      await lab.sql("ALTER TABLE thing ENABLE ROW LEVEL SECURITY; UPDATE thing SET text = 'unseen' WHERE id % 2 = 0");
      const run = await platform.run({ mayFail: true });
      expect(failureOf(run)).toMatch(/^config_error \/ REPLICA_IDENTITY_MISSING: .*public\.thing/);
      platform.store(run);
      await lab.sql('ALTER TABLE thing DISABLE ROW LEVEL SECURITY; DELETE FROM thing WHERE id % 3 = 0');
      await platform.sync();
      await platform.expectEqual([thing, other]);
    }),
  );

  it(
    'a table that was never followed, and cannot be, fails by itself: all others are read, and their states are written',
    inLab(major, async lab => {
      const role = await begin(lab);
      const platform = await lab.connect({}, {}, { username: role, password: 'reader' });
      await lab.sql('ALTER TABLE thing REPLICA IDENTITY NOTHING');
      for (const text of ['uno', 'due']) {
        await lab.sql(`UPDATE other SET text = '${text}'`);
        const run = await platform.run({ mayFail: true });
        expect(failureOf(run)).toMatch(/^config_error \/ REPLICA_IDENTITY_MISSING: .*public\.thing/);
        expect(statusesOf(run, 'thing')).toEqual(['STARTED', 'INCOMPLETE']);
        expect(statusesOf(run, 'other')).toEqual(['STARTED', 'RUNNING', 'COMPLETE']);
        expect(run.records.map(({ stream, data }) => [stream, data['text']])).toEqual([['other', text]]);
        platform.store(run);
        await platform.expectEqual([other]);
      }
      await lab.sql('ALTER TABLE thing REPLICA IDENTITY DEFAULT');
      await platform.sync();
      await platform.expectEqual([thing, other]);
    }),
  );

  it(
    'a full refresh has the columns that the catalog promises, also of a table that cannot be followed any more',
    inLab(major, async lab => {
      const role = await begin(lab);
      const platform = await lab.connect(
        { modes: { thing: 'full_refresh' } },
        {},
        {
          username: role,
          password: 'reader',
        },
      );
      await platform.sync();
      await lab.sql('ALTER TABLE thing REPLICA IDENTITY NOTHING');
      const run = await platform.sync();
      const [first] = run.records.filter(({ stream }) => stream === 'thing');
      expect(Object.keys(first?.data ?? {})).toEqual(['id', 'text', '_ab_cdc_lsn', '_ab_cdc_updated_at', '_ab_cdc_deleted_at']);
    }),
  );

  it(
    'row-level security that comes while the table waits for its snapshot ends the read: no row is passed over',
    inLab(major, async lab => {
      const role = await begin(lab);
      await lab.makeGate();
      await lab.sql(`GRANT SELECT ON gate TO ${role}`);
      const platform = await lab.connect({ streams: ['gate', 'thing'] }, {}, { username: role, password: 'reader' });
      const read = (): ReturnType<typeof platform.run> => platform.run({ mayFail: true });
      const run = await lab.atGate(read, () => lab.sql('ALTER TABLE thing ENABLE ROW LEVEL SECURITY'));
      expect(failureOf(run)).toMatch(/^config_error \/ PERMISSION_DENIED: .*row-level security policy for table "thing"/);
      platform.store(run);
      await lab.sql('ALTER TABLE thing DISABLE ROW LEVEL SECURITY');
      await platform.sync();
      await platform.expectEqual([thing]);
    }),
  );

  it(
    'partitions with row-level security of their own are read through the root, which has none',
    inLab(major, async lab => {
      const role = await begin(lab);
      await lab.sql(`CREATE TABLE part (id bigint PRIMARY KEY, text text) PARTITION BY RANGE (id);
        CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10); CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20);
        INSERT INTO part SELECT i, 'row' FROM generate_series(1, 19) i; ALTER TABLE part_2 ENABLE ROW LEVEL SECURITY;
        GRANT SELECT ON part, part_1, part_2 TO ${role}; ALTER PUBLICATION ${identifier(lab.database.name)} ADD TABLE part;
        ALTER PUBLICATION ${identifier(lab.database.name)} SET (publish_via_partition_root = true)`);
      const platform = await lab.connect({ streams: ['part'] }, {}, { username: role, password: 'reader' });
      const run = await platform.sync();
      expect(run.logs.filter(text => text.includes('public.part_2') && text.includes('BYPASSRLS'))).toHaveLength(1);
      await platform.expectEqual([part]);
      await lab.sql(`CREATE TABLE late (LIKE part INCLUDING ALL); INSERT INTO late VALUES (25, 'old'); GRANT SELECT ON late TO ${role};
        ALTER TABLE late ENABLE ROW LEVEL SECURITY`);
      await lab.sql('ALTER TABLE part ATTACH PARTITION late FOR VALUES FROM (20) TO (30)');
      const next = await platform.sync();
      expect(
        next.logs.filter(text => text.includes('public.late was attached') && text.includes('Clear the stream')),
      ).toHaveLength(1);
    }),
  );
});

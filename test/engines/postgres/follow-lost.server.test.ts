import { expect, it } from 'vitest';
import { streamStates } from '../../kit/catalog.ts';
import { statusesOf } from '../../kit/lab.ts';
import { createTwo, describeMajor, failureOf, identifier, inLab, type Lab, table, thing } from './lab.ts';

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
});

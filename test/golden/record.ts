// Records the bytes that real servers send into test/golden/postgres/<major>/:
//   npm run record
// The dumps beside them are what our decoders make of the bytes; look at their diff before you commit it.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { repository } from '../kit/paths.ts';
import { type OwnPostgresServer, postgresMajors, startPostgres } from '../kit/servers/postgres.ts';
import { writeFrames } from './frames.ts';
import { type Dumped, dumpLog, dumpRows, toLines } from './postgres-dump.ts';
import { type CopyScenario, copyScenarios, type LogScenario, logScenarios } from './postgres-scenarios.ts';

interface Change {
  readonly lsn: string;
  readonly xid: string;
  readonly data: Buffer;
}

const recordLog = async (server: OwnPostgresServer, scenario: LogScenario): Promise<Change[]> => {
  const database = await server.createDatabase();
  const client = await server.client(database, { options: '-c TimeZone=UTC' });
  try {
    await client.query(scenario.setup);
    const slot = `golden_${scenario.name.replaceAll('-', '_')}`;
    await client.query('SELECT pg_create_logical_replication_slot($1, $2, true, $3)', [
      slot,
      'pgoutput',
      scenario.twoPhase === true,
    ]);
    for (const statement of scenario.life) await client.query(statement);
    const options = { proto_version: '1', publication_names: 'golden', ...scenario.options };
    const { rows } = await client.query<Change>(
      'SELECT lsn::text, xid::text, data FROM pg_logical_slot_get_binary_changes($1, NULL, NULL, VARIADIC $2)',
      [slot, Object.entries(options).flat()],
    );
    await client.query('SELECT pg_drop_replication_slot($1)', [slot]);
    return rows;
  } finally {
    await client.end();
    await server.query(database, 'SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin');
    await server.dropDatabase(database);
  }
};

const parseLsn = (text: string): number => {
  const [high = '', low = ''] = text.split('/');
  return Number.parseInt(high, 16) * 2 ** 32 + Number.parseInt(low, 16);
};

/** The server says beside each message where it stands: the decoder must have read the same. */
const compare = (scenario: string, changes: readonly Change[], dump: readonly Dumped[], from: number, to: number): void => {
  for (const [index, change] of changes.entries()) {
    const said = dump[index];
    const wrong = (what: string): Error =>
      new Error(`${scenario}, message ${index}: ${what} of ${JSON.stringify(said)}; server: ${change.lsn} ${change.xid}`);
    if (said?.message === 'commit' && said['endLsn'] !== parseLsn(change.lsn)) throw wrong('end LSN');
    if (said?.message === 'begin' && said['xid'] !== Number(change.xid)) throw wrong('xid');
    const micros = said?.['commitMicros'];
    // A transaction of another origin carries the time at which it was committed there.
    if (typeof micros === 'number' && micros !== 1_704_067_200_000_000 && (micros < from * 1000 || micros > to * 1000 + 999))
      throw wrong('time');
  }
};

const recordRows = async (client: pg.Client, scenario: CopyScenario): Promise<Buffer[]> => {
  const rows: Buffer[] = [];
  const keep = (message: { readonly chunk: Buffer }): void => {
    rows.push(Buffer.from(message.chunk)); // pg uses its buffer again
  };
  client.connection.on('copyData', keep);
  await client.query(`COPY (${scenario.query}) TO STDOUT`);
  client.connection.off('copyData', keep);
  return rows;
};

// The kit's servers do not keep the event loop alive, also not while they stop.
const awake = setInterval(() => {}, 1000);
for (const major of postgresMajors) {
  const folder = join(repository, 'test/golden/postgres', String(major));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const server = await startPostgres({ major });
  try {
    for (const scenario of logScenarios) {
      if (major < (scenario.since ?? 0)) continue;
      const from = Date.now();
      const changes = await recordLog(server, scenario);
      const messages = changes.map(change => change.data);
      const dump = dumpLog(messages);
      compare(scenario.name, changes, dump, from, Date.now());
      await writeFile(join(folder, `log-${scenario.name}.bin`), writeFrames(messages));
      await writeFile(join(folder, `log-${scenario.name}.ndjson`), toLines(dump));
      console.log(`PostgreSQL ${major}: ${scenario.name}, ${messages.length} messages`);
    }
    const client = await server.client('postgres', { options: '-c TimeZone=UTC' });
    for (const scenario of copyScenarios) {
      const rows = await recordRows(client, scenario);
      await writeFile(join(folder, `copy-${scenario.name}.bin`), writeFrames(rows));
      await writeFile(join(folder, `copy-${scenario.name}.ndjson`), toLines(dumpRows(scenario.columns, rows)));
      console.log(`PostgreSQL ${major}: COPY ${scenario.name}, ${rows.length} rows`);
    }
    await client.end();
  } finally {
    await server.stop();
  }
}
clearInterval(awake);

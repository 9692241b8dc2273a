/**
 * `npm run dump`: the log of a server, or a recording, as one line of JSON for each message or event, for a person's eyes.
 *
 *     npm run dump -- postgres postgresql://user:password@host/database --slot NAME --publication NAME
 *     npm run dump -- mysql    mysql://user:password@host [--file binlog.000012] [--position 4]
 *     npm run dump -- mariadb  mysql://user:password@host [--file …] [--position …]
 *     npm run dump -- postgres|mysql|mariadb test/golden/…/NAME.bin [--no-checksums]
 *
 * Changes nothing on the server: a slot is peeked into, not moved. What a connector would leave out is here too.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { dumpEvents } from '../kit/binlog-dump.ts';
import { MysqlServer } from '../kit/servers/mysql.ts';
import { addressIn } from '../kit/servers/shared.ts';
import { readFrames } from './frames.ts';
import { dumpBinlog } from './mysql-dump.ts';
import { dumpLog, toLines } from './postgres-dump.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    slot: { type: 'string', default: 'tributary' },
    publication: { type: 'string', default: 'tributary' },
    file: { type: 'string', default: '' },
    position: { type: 'string', default: '4' },
    'no-checksums': { type: 'boolean', default: false },
  },
});
const [engine = '', where = ''] = positionals;
const recording = where.endsWith('.bin') ? readFrames(readFileSync(where)) : null;

switch (engine) {
  case 'postgres':
    console.log(toLines(dumpLog(recording ?? (await peek(where)))).trimEnd());
    break;
  case 'mysql':
  case 'mariadb': {
    const packets = recording ?? (await binlog(engine, where));
    const events = await dumpBinlog(engine, !values['no-checksums'], packets);
    console.log(toLines(events.map(({ kind, ...rest }) => ({ event: kind, ...rest }))).trimEnd());
    break;
  }
  default:
    throw new Error('usage: npm run dump -- <postgres|mysql|mariadb> <URL or recording> [options]; see test/golden/dump.ts');
}

async function peek(url: string): Promise<readonly Buffer[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const sql = `SELECT data FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', $2)`;
    const { rows } = await client.query<{ data: Buffer }>(sql, [values.slot, `"${values.publication.replaceAll('"', '""')}"`]);
    return rows.map(row => row.data);
  } finally {
    await client.end();
  }
}

function binlog(flavor: 'mysql' | 'mariadb', url: string): Promise<readonly Buffer[]> {
  const server = new MysqlServer({ flavor, ...addressIn(new URL(url), 3306) });
  return dumpEvents(server, { file: values.file, position: Number(values.position) });
}

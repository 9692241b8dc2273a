import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ZongJi from '@vlasky/zongji';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DUMP_ANNOTATE_ROWS } from '../../../src/engines/mysql/binlog/command.ts';
import { Random } from '../../fuzz/random.ts';
import { dumpEvents, freshLog } from '../../kit/binlog-dump.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { seedOfRun } from '../../kit/random.ts';
import { mysqlTool, type OwnMysqlServer, startMysql } from '../../kit/servers/mysql.ts';
import { type Change, randomLife, readChanges } from './binlog-workload.ts';

const run = promisify(execFile);
const seed = seedOfRun();

type Printed = Pick<Change, 'verb' | 'table' | 'before' | 'after'>;

/** What `mysqlbinlog -v` says in its comments, without the second reading of negative numbers: `@1=-1 (255)`. */
const parseTool = (text: string): { changes: Printed[]; positions: number[] } => {
  const changes: { verb: string; table: string; before: string[]; after: string[] }[] = [];
  const positions: number[] = [];
  let image: string[] = [];
  for (const line of text.split('\n')) {
    const position = /^#\d{6}.* end_log_pos (\d+)/.exec(line)?.[1];
    if (position !== undefined && Number(position) > 0 && Number(position) !== positions.at(-1)) positions.push(Number(position));
    const [, verb = '', table] = /^### (INSERT|UPDATE|DELETE)(?: INTO| FROM)? (`.*`)/.exec(line) ?? [];
    if (table !== undefined) changes.push({ verb, table, before: [], after: [] });
    const change = changes.at(-1);
    if (line === '### WHERE' && change !== undefined) image = change.before;
    if (line === '### SET' && change !== undefined) image = change.after;
    const value = /^### {3}(@\d+=.*)$/s.exec(line)?.[1];
    if (value !== undefined) image.push(value.replace(/^(@\d+=-\d+) \(\d+\)$/, '$1'));
  }
  return { changes, positions };
};

const bare = ({ verb, table, before, after }: Change): Printed => ({ verb, table, before, after });

describeMysql(flavor => {
  let server: OwnMysqlServer;
  beforeAll(async () => {
    const compressing = flavor === 'mariadb' ? { log_bin_compress: 'ON', log_bin_compress_min_len: '10' } : {};
    server = await startMysql({ flavor, settings: compressing });
  });
  afterAll(() => server.stop());

  /** Lives for a while in a file of its own, and gives what the server sends of it. */
  const live = async (
    random: Random,
    statements: number,
    compress: boolean,
  ): Promise<{ file: string; database: string; packets: Buffer[] }> => {
    const database = await server.createDatabase();
    const file = await freshLog(server);
    const client = await server.client(database);
    for (const statement of randomLife(random, flavor, statements, compress)) await client.query(statement);
    await client.end();
    await server.query(undefined, 'FLUSH BINARY LOGS');
    const packets = await dumpEvents(server, { file, flags: flavor === 'mariadb' ? DUMP_ANNOTATE_ROWS : 0 });
    // the dump goes on into the file that was begun behind it
    const end = packets.findIndex((packet, i) => i > 0 && packet[4] === 4 && packet.readUInt32LE(13) !== 0);
    return { file, database, packets: packets.slice(0, end + 1) };
  };

  it(`reads random logs as the server's own tool does, seed ${seed}`, async () => {
    const random = new Random(seed);
    const [file = '', ...args] = await mysqlTool(flavor, flavor === 'mysql' ? 'mysqlbinlog' : 'mariadb-binlog');
    for (let round = 0; round < 4; round++) {
      const lived = await live(random, 150, true);
      const path = join(server.dataFolder, lived.file);
      const { stdout } = await run(file, [...args, '-v', '--base64-output=DECODE-ROWS', path], { maxBuffer: 2 ** 28 });
      const theirs = parseTool(stdout);
      const ours = await readChanges(flavor, lived.packets);
      expect(theirs.changes.length).toBeGreaterThan(50);
      expect(ours.changes.map(bare)).toEqual(theirs.changes);
      expect(ours.positions).toEqual(theirs.positions.slice(0, -1));
    }
  });

  it(`reads random logs as another reader does, seed ${seed}`, async () => {
    const lived = await live(new Random(seed + 1), 200, false);
    const ours = (await readChanges(flavor, lived.packets)).changes.filter(({ table }) => table.includes(lived.database));
    const theirs: { verb: string; before: Record<string, unknown>; after: Record<string, unknown> }[] = [];
    const { host, port, username: user, password } = server;
    const reader = new ZongJi({ host, port, user, password, supportBigNumbers: true, bigNumberStrings: true, dateStrings: true });
    try {
      await new Promise<void>((resolve, reject) => {
        reader.on('error', reject);
        reader.on('binlog', event => {
          const name = event.getTypeName();
          const rows = ('rows' in event ? event.rows : []) as readonly Record<string, unknown>[];
          for (const row of rows) {
            const { before, after } = row as Record<'before' | 'after', Record<string, unknown>>;
            if (name.startsWith('Update')) theirs.push({ verb: 'UPDATE', before, after });
            else if (name.startsWith('Delete')) theirs.push({ verb: 'DELETE', before: row, after: {} });
            else theirs.push({ verb: 'INSERT', before: {}, after: row });
          }
          if (theirs.length >= ours.length) resolve();
        });
        reader.start({
          serverId: 3_000_000,
          filename: lived.file,
          position: 4,
          includeEvents: ['tablemap', 'writerows', 'updaterows', 'deleterows', 'rotate'],
          includeSchema: { [lived.database]: true },
        });
      });
    } finally {
      reader.stop();
    }
    expect(ours.length).toBeGreaterThan(50);
    expect(theirs.map(({ verb }) => verb)).toEqual(ours.map(({ verb }) => verb));
    let compared = 0;
    ours.forEach(({ named }, i) => {
      for (const which of ['before', 'after'] as const) {
        for (const [name, text] of Object.entries(named[which])) {
          const value = theirs[i]?.[which][name];
          if (value === null || typeof value === 'number' || typeof value === 'string') compared++;
          // Numbers and text: of the other types this reader makes values of another kind.
          if (value === null) expect([i, name, text]).toEqual([i, name, 'NULL']);
          else if (typeof value === 'number') expect([i, name, text]).toEqual([i, name, String(value)]);
          else if (typeof value === 'string' && text.startsWith("'") && !text.includes(':'))
            expect([i, name, text]).toEqual([i, name, `'${value}'`]);
        }
      }
    });
    expect(compared).toBeGreaterThan(500);
  });
});

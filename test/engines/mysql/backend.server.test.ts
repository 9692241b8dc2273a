import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { TableSpec } from '../../kit/backend.ts';
import { digits } from '../../kit/messages.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { Random } from '../../kit/random.ts';
import { mysqlTool } from '../../kit/servers/mysql.ts';
import { sleep } from '../../kit/servers/process.ts';
import { fill, Workload, workloadTables } from '../../kit/workload.ts';
import { type MysqlDatabase, mysqlBackend } from './backend.ts';

const everyKind: TableSpec = {
  name: 'every kind',
  columns: {
    part: 'text',
    id: 'integer',
    text: 'text',
    decimal: 'decimal',
    boolean: 'boolean',
    json: 'json',
    bytes: 'bytes',
    timestamp: 'timestamp',
    integers: 'integers',
  },
  primaryKey: ['part', 'id'],
};

/** The newest file of the server's log, as the server's own client prints it. */
const logText = async ({ server }: MysqlDatabase): Promise<string> => {
  const [program, ...args] = await mysqlTool(server.flavor, server.flavor === 'mysql' ? 'mysqlbinlog' : 'mariadb-binlog');
  const file = String((await server.query(undefined, 'SHOW BINARY LOGS')).at(-1)?.['Log_name']);
  const all = [...args, ...server.clientOptions, '--read-from-remote-server', '-v', file];
  return (await promisify(execFile)(program, all, { maxBuffer: 1 << 30 })).stdout;
};

describeMysql(flavor => {
  it('says each kind of value in the words of records', async () => {
    const database = await mysqlBackend(flavor).open();
    const session = await database.session();
    try {
      await database.createTable(everyKind);
      const text = 'ä𝄞"\\\n\t\'';
      const none = { text: null, decimal: null, boolean: null, json: null, bytes: null, timestamp: null, integers: null };
      await session.insert(everyKind, [
        {
          part: 'P',
          id: Number.MIN_SAFE_INTEGER,
          text,
          decimal: '-5.10',
          boolean: true,
          json: '{"a":[1, "x  y", null, 1.5]}',
          bytes: Uint8Array.of(0, 255, 39, 92),
          timestamp: '2024-01-02 03:04:05.678',
          integers: [1, -2],
        },
        { part: 'p', id: 2, ...none, boolean: false, bytes: new Uint8Array(), integers: [] },
      ]);
      // An update that changes nothing has found its row all the same.
      await session.update(everyKind, { part: 'p', id: 2 }, { boolean: false });
      await expect(session.update(everyKind, { part: 'p', id: 3 }, { boolean: false })).rejects.toThrow('0 rows instead of one');
      await expect(session.delete(everyKind, { part: 'q', id: 2 })).rejects.toThrow('0 rows instead of one');
      expect(await database.rows(everyKind)).toEqual([
        {
          part: 'P',
          id: digits(String(Number.MIN_SAFE_INTEGER)),
          text,
          decimal: digits('-5.10'),
          boolean: true,
          json: '{"a":[1,"x  y",null,1.5]}',
          bytes: 'AP8nXA==',
          timestamp: '2024-01-02T03:04:05.678000Z',
          integers: '[1,-2]',
        },
        { part: 'p', id: digits('2'), ...none, boolean: false, bytes: '', integers: '[]' },
      ]);
    } finally {
      await session.close();
      await database.drop();
    }
  });

  it('rolls back to savepoints and whole transactions, and commits the rest', async () => {
    const table: TableSpec = { name: 't', columns: { id: 'integer' }, primaryKey: ['id'] };
    const database = await mysqlBackend(flavor).open();
    const session = await database.session();
    try {
      await database.createTable(table);
      await session.begin();
      await session.insert(table, [{ id: 1 }]);
      await session.savepoint();
      await session.insert(table, [{ id: 2 }]);
      await session.savepoint();
      await session.insert(table, [{ id: 3 }]);
      await session.rollbackTo();
      expect(await database.rows(table)).toEqual([]);
      await session.rollbackTo();
      await session.insert(table, [{ id: 4 }]);
      await session.commit();
      await session.begin();
      await session.insert(table, [{ id: 5 }]);
      await session.rollback();
      expect(await database.rows(table)).toEqual([{ id: digits('1') }, { id: digits('4') }]);
    } finally {
      await session.close();
      await database.drop();
    }
  });

  it('leads a life of rows in which every kind of change reaches the log', async () => {
    const database = await mysqlBackend(flavor).open();
    const random = new Random(4711);
    for (const table of workloadTables) {
      await database.createTable(table);
      await fill(database, table, 1, 60, random.fork(table.name));
    }
    // Other tests have filled the file before.
    await database.server.query(undefined, 'FLUSH BINARY LOGS');
    const workload = await Workload.start({ database, tables: workloadTables, random, rows: 60, pauseMilliseconds: 1 });
    await sleep(1500);
    await workload.stop();
    expect(workload.changes).toBeGreaterThan(200);
    const rows = await database.rows(workloadTables[1] as TableSpec);
    expect(rows.some(row => typeof row['body'] === 'string' && row['body'].length > 3000)).toBe(true);
    const log = await logText(database);
    for (const verb of ['INSERT INTO', 'UPDATE', 'DELETE FROM']) {
      expect(log.split(`### ${verb} \`${database.name}\``).length - 1, verb).toBeGreaterThan(20);
    }
    await database.drop();
  });

  it('waits until its reader is gone', async () => {
    const database = await mysqlBackend(flavor).open();
    const client = await database.server.client(database.name, {
      user: database.reader.username,
      password: database.reader.password,
    });
    let gone = false;
    const disconnected = database.disconnected().then(() => {
      gone = true;
    });
    await sleep(300);
    expect(gone).toBe(false);
    await client.end();
    await disconnected;
    await database.drop();
  });
});

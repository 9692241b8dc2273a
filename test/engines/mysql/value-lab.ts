import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type mysql from 'mysql2/promise';
import { JsonWriter } from '../../../src/bytes/json-writer.ts';
import { BinlogDecoder } from '../../../src/engines/mysql/binlog/decoder.ts';
import { END, ROWS } from '../../../src/engines/mysql/binlog/events.ts';
import { ROWS_UPDATE, VALUE_JSON_DIFFS, VALUE_NULL, VALUE_PRESENT } from '../../../src/engines/mysql/binlog/rows.ts';
import type { ColumnLayout } from '../../../src/engines/mysql/layout/column-layout.ts';
import { columnType, selectExpression, widthByLayout } from '../../../src/engines/mysql/types.ts';
import type { Verdict } from '../../../src/values/value-writer.ts';
import { type MysqlServer, mysqlTool, query } from '../../kit/servers/mysql.ts';

const run = promisify(execFile);

/** mysql2 breaks off the connection over columns in these, although nobody asks it to decode them. */
const UNKNOWN_TO_MYSQL2: ReadonlySet<string> = new Set(['dec8', 'geostd8', 'hp8', 'keybcs2', 'swe7', 'eucjpms', 'gb18030']);

/** What stands in the column behind the value. */
const BEHIND = 0x4b3c2d1e;

/** One value, written from the text protocol and from the log, and what else tells what it is. */
export interface SeenValue {
  readonly text: string;
  readonly textVerdict: Verdict;
  readonly log: string;
  readonly logVerdict: Verdict;
  /** What the server prints when it converts to utf8mb4 itself. */
  readonly server: string | null;
}

/** A table of one server in which values are put, to be read in both ways. */
export class ValueLab {
  readonly #server: MysqlServer;
  readonly #client: mysql.Connection;
  readonly #database: string;
  #tables = 0;
  /** For each table the file of the log in which it begins. */
  readonly #begins = new Map<string, string>();
  /** Values that were in the log as differences. */
  partialUpdates = 0;

  private constructor(server: MysqlServer, client: mysql.Connection, database: string) {
    this.#server = server;
    this.#client = client;
    this.#database = database;
  }

  static async open(server: MysqlServer): Promise<ValueLab> {
    const database = await server.createDatabase();
    const client = await server.client(database);
    await client.query("SET time_zone = '+00:00', sql_mode = ''");
    return new ValueLab(server, client, database);
  }

  async close(): Promise<void> {
    await this.#client.end();
    await this.#server.dropDatabase(this.#database);
  }

  async sql(text: string): Promise<void> {
    await this.#client.query(text);
  }

  /** Texts of one row, as the server converts them to utf8mb4. */
  async row(sql: string): Promise<(string | null)[]> {
    const [rows] = await this.#client.query({ sql, rowsAsArray: true, typeCast: false } as mysql.QueryOptions);
    return ((rows as unknown as (Buffer | null)[][])[0] ?? []).map(bytes => (bytes === null ? null : bytes.toString()));
  }

  /** Makes a table with a column of the type, inserts the values, SQL expressions, and gives back those that are not NULL. */
  async values(type: string, expressions: readonly string[], json = false): Promise<SeenValue[]> {
    const table = await this.table(type, expressions);
    return this.read(table, json);
  }

  async table(type: string, expressions: readonly string[]): Promise<string> {
    const table = `t${this.#tables++}`;
    // A file of its own: nobody wants to read all that other tests have left in the log.
    await this.sql('FLUSH BINARY LOGS');
    this.#begins.set(table, (await this.#fileNames()).at(-1) ?? '');
    await this.sql(`CREATE TABLE ${table} (id INT PRIMARY KEY, c ${type}, behind INT NOT NULL)`);
    const rows = expressions.map((expression, id) => `(${id}, ${expression}, ${BEHIND})`);
    for (let at = 0; at < rows.length; at += 200) {
      await this.sql(`INSERT IGNORE INTO ${table} VALUES ${rows.slice(at, at + 200).join(', ')}`);
    }
    return table;
  }

  /** The values of a table, read in both ways. In the log the last image of each row counts. */
  async read(table: string, json = false): Promise<SeenValue[]> {
    const layout = await this.#layout(table, json);
    const { flavor } = this.#server;
    const type = columnType(layout, { flavor, tinyint1: 'boolean', nativeJson: false });
    const logged = await this.#logged(table, layout, type);
    const server = await this.#column(`SELECT id, c FROM ${table} ORDER BY id`);
    await this.sql('SET character_set_results = NULL');
    const expression = UNKNOWN_TO_MYSQL2.has(layout.charset ?? '') ? 'CAST(c AS BINARY)' : selectExpression(layout, 'c');
    const rows = await this.#column(`SELECT id, ${expression} FROM ${table} ORDER BY id`);
    await this.sql('SET character_set_results = utf8mb4');
    return [...rows].flatMap(([id, bytes]): SeenValue[] => {
      const log = logged.get(id);
      if (log === undefined) throw new Error(`row ${id} of ${table} is not in the log`);
      if (bytes === null || log === null) {
        if (bytes !== log) throw new Error(`row ${id} of ${table}: NULL in one way only`);
        return [];
      }
      const out = new JsonWriter(64);
      const textVerdict = type.text(out, bytes, 0, bytes.length);
      const text = out.bytes.toString('utf8', 0, out.length);
      return [{ text, textVerdict, ...log, server: server.get(id)?.toString() ?? null }];
    });
  }

  async #column(sql: string): Promise<Map<number, Buffer | null>> {
    const [rows] = await this.#client.query({ sql, rowsAsArray: true, typeCast: false } as mysql.QueryOptions);
    return new Map((rows as unknown as [Buffer, Buffer | null][]).map(([id, value]) => [Number(id.toString()), value]));
  }

  async #layout(table: string, json: boolean): Promise<ColumnLayout> {
    const [row] = await query(
      this.#client,
      `SELECT column_type AS t, character_set_name AS s, collation_name AS o FROM information_schema.columns
       WHERE table_schema = '${this.#database}' AND table_name = '${table}' AND column_name = 'c'`,
    );
    const columnType = json ? 'json' : String(row?.['t']);
    const charset = (row?.['s'] ?? null) as string | null;
    return { name: 'c', columnType, charset, collation: (row?.['o'] ?? null) as string | null, nullable: true, generated: '' };
  }

  async #logged(
    table: string,
    layout: ColumnLayout,
    type: ReturnType<typeof columnType>,
  ): Promise<Map<number, { log: string; logVerdict: Verdict } | null>> {
    const decoder = new BinlogDecoder({ flavor: this.#server.flavor, hasChecksums: false });
    const seen = new Map<number, { log: string; logVerdict: Verdict } | null>();
    const width = widthByLayout(layout);
    for (const file of await this.#filesSince(this.#begins.get(table) ?? '')) {
      for (let at = 4; at < file.length; at += file.readUInt32LE(at + 9)) {
        await decoder.open(file, at, at + file.readUInt32LE(at + 9));
        for (let kind = decoder.next(); kind !== END; kind = decoder.next()) {
          if (kind !== ROWS) continue;
          const { rows } = decoder;
          const map = rows.table;
          if (map === null || map.schema !== this.#database || map.table !== table) continue;
          if (width !== null) map.widths[1] = width;
          while (rows.next()) {
            const { after, before, bytes } = rows;
            const numbers = Buffer.from(bytes.buffer, bytes.byteOffset);
            const id = numbers.readInt32LE(after.starts[0]);
            // A value that is measured wrong has another one found where it is not.
            const behind = numbers.readInt32LE(after.starts[2]);
            if (behind !== BEHIND) throw new Error(`behind the value of row ${id} stands ${behind}, not ${BEHIND}`);
            const mark = after.marks[1];
            if (mark === VALUE_NULL) {
              seen.set(id, null);
              continue;
            }
            const out = new JsonWriter(64);
            const measured = map.widths[1] ?? 0;
            const length = Math.max(0, -measured);
            const start = (after.starts[1] ?? 0) + length;
            const end = after.ends[1] ?? 0;
            let logVerdict: Verdict;
            if (mark === VALUE_PRESENT) {
              logVerdict = type.binary(map.columns[1]?.metadata ?? 0, measured)(out, bytes, start, end);
            } else if (mark === VALUE_JSON_DIFFS && rows.kind === ROWS_UPDATE && type.partial !== undefined) {
              this.partialUpdates++;
              const { 1: old = 0 } = before.starts;
              logVerdict = type.partial(out, bytes, old + length, before.ends[1] ?? 0, bytes, start, end);
            } else {
              throw new Error(`the mark of a value is ${mark}`);
            }
            seen.set(id, { log: out.bytes.toString('utf8', 0, out.length), logVerdict });
          }
        }
      }
    }
    return seen;
  }

  async #fileNames(): Promise<readonly string[]> {
    return (await query(this.#client, 'SHOW BINARY LOGS')).map(row => String(row['Log_name']));
  }

  /** The files of the log from this one on, as they lie on the server's disk. */
  async #filesSince(first: string): Promise<Buffer[]> {
    const { flavor } = this.#server;
    const [program, ...args] = await mysqlTool(flavor, flavor === 'mysql' ? 'mysqlbinlog' : 'mariadb-binlog');
    const folder = await mkdtemp(join(tmpdir(), 'tributary-log-'));
    try {
      const all = await this.#fileNames();
      const names = all.slice(Math.max(0, all.indexOf(first)));
      await run(program, [
        ...args,
        ...this.#server.clientOptions,
        '--read-from-remote-server',
        '--raw',
        `--result-file=${folder}/`,
        ...names,
      ]);
      const files = (await readdir(folder)).toSorted();
      return await Promise.all(files.map(name => readFile(join(folder, name))));
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configuredCatalog, fullState } from './catalog.ts';
import { expectSound } from './invariants.ts';
import type { Catalog, JsonObject, RecordBody } from './messages.ts';
import { expectSuccess, type RunResult, runConnector } from './run-connector.ts';
import { discoverCatalog } from './run-within.ts';
import { checkData } from './schemas.ts';
import { onOneLine, type TypeCase, type TypeFamily } from './type-family.ts';

/** What the runner needs of a database; statements are those that all SQL databases know. */
export interface TypeDatabase {
  config(): JsonObject;
  query(sql: string): Promise<unknown>;
  drop(): Promise<void>;
}

export interface TypeCaseOptions {
  readonly version: number;
  readonly families: readonly TypeFamily[];
  open(): Promise<TypeDatabase>;
  /** Whether the server has what a family requires. */
  offers(database: TypeDatabase, requirement: string): Promise<boolean>;
  /** A statement by which deletes bring the whole old row into the log; null where they always do. */
  logOldRow(table: string): string | null;
}

/** A value in a record as printed, and what `meta.changes` says of it. */
interface Said {
  readonly json: string | undefined;
  readonly change: string | undefined;
}
type Row = (column: string) => Said;

const ways = ['snapshot', 'insert', 'update', 'delete', 'full refresh'] as const;
type Way = (typeof ways)[number];

interface Observed {
  readonly catalog: Catalog;
  readonly missing: ReadonlySet<TypeFamily>;
  /** By table. */
  readonly rows: ReadonlyMap<string, { readonly [way in Way | 'nulls']: Row }>;
  /** What is wrong with whole records, by table. */
  readonly invalid: ReadonlyMap<string, readonly string[]>;
}

const stringEnd = (line: string, start: number): number => {
  let at = start + 1;
  while (at < line.length && line[at] !== '"') at += line[at] === '\\' ? 2 : 1;
  return at + 1;
};

const valueEnd = (line: string, start: number): number => {
  let depth = 0;
  let at = start;
  while (at < line.length) {
    const character = line[at] ?? '';
    if (depth === 0 && (character === ',' || character === '}')) return at;
    if (character === '{' || character === '[') depth++;
    if (character === '}' || character === ']') depth--;
    at = character === '"' ? stringEnd(line, at) : at + 1;
  }
  return at;
};

/** The members of `data` in a RECORD line, each as it is printed there. */
export const rawData = (line: string): ReadonlyMap<string, string> => {
  const members = new Map<string, string>();
  const start = '"data":{';
  let at = line.indexOf(start) + start.length;
  while (at < line.length && line[at] !== '}') {
    if (line[at] === ',') at++;
    const colon = stringEnd(line, at);
    const name = JSON.parse(line.slice(at, colon)) as string;
    if (members.has(name)) throw new Error(`${name} stands twice in ${line.slice(0, 300)}`);
    at = valueEnd(line, colon + 1);
    members.set(name, line.slice(colon + 1, at));
  }
  return members;
};

const tableOf = (family: TypeFamily): string => `types_${family.name}`;
const columnOf = (index: number): string => `c${index + 1}`;

/** The cases of a family that are true for this version, by column. */
const columnsOf = (family: TypeFamily, version: number): ReadonlyMap<string, TypeCase> => {
  const { cases } = family;
  const known = cases.filter(({ since = 0, before = Number.POSITIVE_INFINITY }) => since <= version && version < before);
  return new Map(known.map((one, index) => [columnOf(index), one]));
};

const rowOf = (run: RunResult, table: string, id: number, deleted = false): Row => {
  const isIt = (record: RecordBody): boolean =>
    record.stream === table && record.data['id'] === id && ((record.data['_ab_cdc_deleted_at'] ?? null) !== null) === deleted;
  const at = run.messages.findIndex(message => message?.record !== undefined && isIt(message.record));
  const record = run.messages[at]?.record;
  if (record === undefined) throw new Error(`no record of ${table} with id ${id}`);
  const raw = rawData(run.lines[at] ?? '');
  return column => {
    const changes = (record.meta?.changes ?? []).filter(change => change.field === column);
    const change = changes.map(({ change: kind, reason }) => `${kind} ${reason}`).join(', ');
    return { json: raw.get(column), change: change === '' ? undefined : change };
  };
};

const observe = async (options: TypeCaseOptions, database: TypeDatabase): Promise<Observed> => {
  const run = async (sql: string): Promise<void> => {
    await database.query(sql).catch((cause: unknown) => {
      throw new Error(`${cause instanceof Error ? cause.message : String(cause)}: ${sql.slice(0, 2000)}`, { cause });
    });
  };
  const missing = new Set<TypeFamily>();
  for (const family of options.families) {
    if (family.requires !== undefined && !(await options.offers(database, family.requires))) missing.add(family);
  }
  const present = options.families
    .filter(family => !missing.has(family))
    .map(family => ({ family, table: tableOf(family), columns: columnsOf(family, options.version) }));
  for (const { family, table, columns } of present) {
    for (const statement of family.setup ?? []) await run(statement);
    const definitions = [...columns].map(([name, { native }]) => `${name} ${native}`);
    await run(`CREATE TABLE ${table} (id integer PRIMARY KEY, ${definitions.join(', ')})`);
  }
  const insert = async (table: string, columns: ReadonlyMap<string, TypeCase>, id: number): Promise<void> => {
    const values = [...columns.values()].map(one => one.insert);
    await run(`INSERT INTO ${table} (id, ${[...columns.keys()].join(', ')}) VALUES (${id}, ${values.join(', ')})`);
  };
  for (const { table, columns } of present) {
    await insert(table, columns, 1);
    await run(`INSERT INTO ${table} (id) VALUES (3)`);
  }

  const config = database.config();
  const catalog = await discoverCatalog(config);
  const configured = configuredCatalog(catalog);
  const read = async (more: object = {}): Promise<RunResult> =>
    expectSuccess(await runConnector({ command: 'read', config, catalog: configured, ...more }));
  const first = await read();
  for (const { table, columns } of present) {
    await insert(table, columns, 2);
    const assignments = [...columns].map(([name, one]) => `${name} = ${one.insert}`);
    await run(`UPDATE ${table} SET ${assignments.join(', ')} WHERE id = 3`);
    const logOldRow = options.logOldRow(table);
    if (logOldRow !== null) await run(logOldRow);
    await run(`DELETE FROM ${table} WHERE id = 2`);
  }
  const second = await read({ state: fullState(first.states) });
  const refresh = await read({ catalog: configuredCatalog(catalog, { modes: { '*': 'full_refresh' } }) });
  for (const result of [first, second, refresh]) expectSound(result);

  const rows = present.map(({ table }) => {
    const of = {
      nulls: rowOf(first, table, 3),
      snapshot: rowOf(first, table, 1),
      insert: rowOf(second, table, 2),
      update: rowOf(second, table, 3),
      delete: rowOf(second, table, 2, true),
      'full refresh': rowOf(refresh, table, 1),
    };
    return [table, of] as const;
  });
  const invalid = configured.streams.map(({ stream }) => {
    const records = [first, second, refresh].flatMap(result => result.records.filter(record => record.stream === stream.name));
    return [stream.name, records.flatMap(record => checkData(stream, record.data) ?? [])] as const;
  });
  return { catalog, missing, rows: new Map(rows), invalid: new Map(invalid) };
};

/**
 * Registers a test for each case: discover gives its schema; a snapshot, an insert, an update, a delete that brings the old
 * row, and a full refresh print the same bytes for it. All cases share one database and few runs of the connector.
 */
export const typeCases = (options: TypeCaseOptions): void => {
  let database: TypeDatabase | undefined;
  let observed: Observed | undefined;
  const seen = (): Observed => {
    if (observed === undefined) throw new Error('nothing was read');
    return observed;
  };
  beforeAll(async () => {
    database = await options.open();
    observed = await observe(options, database);
  });
  afterAll(() => database?.drop());

  for (const family of options.families) {
    const table = tableOf(family);
    describe(family.title, () => {
      for (const [column, { native, insert, schema, json, change }] of columnsOf(family, options.version)) {
        it(`${native}: ${onOneLine(insert).slice(0, 100)}`, context => {
          const { catalog, missing, rows } = seen();
          if (missing.has(family)) context.skip(`no ${family.requires} on this server`);
          const stream = catalog.streams.find(candidate => candidate.name === table);
          const row = rows.get(table);
          const expected: Said = { json, change: change && `${change} SOURCE_SERIALIZATION_ERROR` };
          expect({
            schema: stream?.json_schema.properties[column],
            ...Object.fromEntries(ways.map(way => [way, row?.[way](column)])),
          }).toEqual({ schema, ...Object.fromEntries(ways.map(way => [way, expected])) });
        });
      }

      it('says null for NULL, and that is no change', context => {
        const { missing, rows } = seen();
        if (missing.has(family)) context.skip(`no ${family.requires} on this server`);
        const names = [...columnsOf(family, options.version).keys()];
        const nothing: Said = { json: 'null', change: undefined };
        expect(names.map(name => rows.get(table)?.nulls(name))).toEqual(names.map(() => nothing));
      });

      it('gives records that are valid against the schema of discover', context => {
        const { missing, invalid } = seen();
        if (missing.has(family)) context.skip(`no ${family.requires} on this server`);
        expect(invalid.get(table)).toEqual([]);
      });
    });
  }
};

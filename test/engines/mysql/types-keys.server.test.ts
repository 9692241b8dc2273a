import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configuredCatalog, fullState, streamStates } from '../../kit/catalog.ts';
import { expectSound } from '../../kit/invariants.ts';
import type { CatalogStream } from '../../kit/messages.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { expectSuccess, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import type { MysqlFlavor } from '../../kit/servers/mysql.ts';
import { rawData, type TypeDatabase } from '../../kit/type-cases.ts';
import { quote } from './types/rows.ts';
import { onMysql, underUnlikeSettings } from './types/type-database.ts';

interface KeyType {
  /** Columns of the key, each with its type. */
  readonly columns: readonly string[];
  readonly flavor?: MysqlFlavor;
  /** The key's values as SQL writes them, for numbers from 0 to ROWS - 1; no two are the same. */
  key(at: number): string;
  /** Keys beside those, in which there is something odd. Some cannot be said; their rows are read all the same. */
  readonly odd?: readonly string[];
  /** How the key is declared, where that is not the usual. */
  readonly declared?: string;
  /** The rows are read in one statement: there is no index in whose order they could be read in several. */
  readonly atOnce?: boolean;
}

/** Two and a half of the smallest chunks. */
const ROWS = 250;
const day = (at: number): string => new Date(Date.UTC(1999, 11, 1) + at * 86_400_000).toISOString().slice(0, 10);
const clock = (at: number): string => `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}:07`;
const hex = (at: number): string => at.toString(16).padStart(2, '0');
const one = (type: string, key: (at: number) => string, odd: readonly string[] = [], more: Partial<KeyType> = {}): KeyType => ({
  columns: [type],
  key,
  odd,
  ...more,
});

/** Letters of several lengths, cases and accents, in no order; a number makes them different under every collation. */
const word = (at: number): string => `${['a', 'B', 'é', 'z', 'Ä', 'ß'][at % 6]}${'-_ .'[at % 4]}${(at * 7919) % 1000}`;
const awkward = ["'it''s'", "'\\\\'", "'q\"x'", "'%_'", "''", "'line\\nfeed'"];
const text = (type: string, more: Partial<KeyType> = {}): KeyType => one(type, at => quote(word(at)), awkward, more);
const labels = Array.from({ length: 300 }, (_, at) => quote(`z${300 - at}'"`)).join(',');
const members = Array.from({ length: 9 }, (_, at) => quote(`m${9 - at}`)).join(',');

const KEYS: readonly KeyType[] = [
  one('tinyint', at => String(at - 125), ['-128', '127']),
  one('tinyint(1)', at => String(at - 125), ['-128', '127']),
  one('tinyint unsigned', at => String(at), ['255']),
  one('smallint', at => String((at - 125) * 250), ['-32768', '32767']),
  one('mediumint unsigned', at => String(at * 60_000), ['16777215']),
  one('int', at => String((at - 125) * 10_000_019), ['-2147483648', '2147483647']),
  one('int(9) zerofill', at => String(at * at), ['4294967295']),
  one('bigint', at => String(BigInt(at - 125) * 70_000_000_000_000_003n), ['-9223372036854775808', '9223372036854775807']),
  one('bigint unsigned', at => String(18_446_744_073_709_551_615n - BigInt(at) * 70_000_000_000_000_003n), ['0']),
  one('decimal(18)', at => String((at - 125) * 1_000_003)),
  one('decimal(65,30)', at => `${at - 125}.${'0'.repeat(29)}${at % 10}`, [`'-${'9'.repeat(35)}.${'9'.repeat(30)}'`]),
  one('float', at => `'${(at - 125) * 0.1}'`, ['3.4028234e38', '1e-45', '16777216']),
  one('double', at => `'${(at - 125) / 3}'`, ['5e-324', '1.7976931348623157e308', '1e15', '-1e-16']),
  one('float(9,3)', at => `'${at / 8}'`),
  one('bit(10)', at => String(at * 3)),
  one('bit(64)', at => String(18_446_744_073_709_551_615n - BigInt(at) * 70_000_000_000_000_003n), ["b'0'"]),
  one('year', at => String(1901 + at), ["'0000'"]),
  one('date', at => quote(day(at)), ["'0000-00-00'", "'2000-00-00'", "'9999-12-31'", "'0001-01-01'"]),
  one('datetime', at => quote(`${day(at)} ${clock(at)}`), ["'0000-00-00 00:00:00'", "'2000-01-00 01:00:00'"]),
  one('datetime(6)', at => quote(`2024-01-01 00:00:00.${String(at * 3).padStart(6, '0')}`)),
  one('timestamp', at => quote(`${day(at)} ${clock(at)}`), ["'0000-00-00 00:00:00'", "'2024-10-27 01:30:00'"]),
  one('timestamp(3)', at => quote(`2024-03-31 02:30:00.${String(at).padStart(3, '0')}`)),
  one('time', at => quote(`${at % 2 === 0 ? '' : '-'}${at + 100}:${String(at % 60).padStart(2, '0')}:00`), [
    "'-838:59:59'",
    "'00:00:00'",
  ]),
  one('time(6)', at => quote(`-00:00:00.${String(at + 1).padStart(6, '0')}`)),
  text('char(20)'),
  text('varchar(40)'),
  text('varchar(40) COLLATE utf8mb4_bin'),
  text('varchar(40) CHARACTER SET latin1'),
  text('varchar(40) CHARACTER SET latin1 COLLATE latin1_bin'),
  text('char(20) CHARACTER SET ucs2'),
  text('varchar(40) CHARACTER SET utf16le'),
  text('varchar(40) CHARACTER SET utf32 COLLATE utf32_bin'),
  one('varchar(40) CHARACTER SET sjis', at => quote(`${['ソ', '表', 'ｶ', '日', 'a'][at % 5]}${at}`), awkward),
  one('varchar(40) CHARACTER SET gbk', at => quote(`${['汉', '字', 'a'][at % 3]}${at}`), awkward),
  one('binary(3)', at => `X'${hex(at)}5c27'`, ["X''", "X'ff'"]),
  one('varbinary(20)', at => `X'${hex(at)}'`, ["X''", "X'0000'", "X'2720'"]),
  one('varchar(20) CHARACTER SET binary', at => `X'${hex(at)}22'`),
  one(`enum(${labels})`, at => String(300 - at)),
  { columns: ["enum('ö','é') CHARACTER SET latin1", 'int'], key: at => `${1 + (at % 2)}, ${at}` },
  one(`set(${members})`, at => String(at * 2 + 1), ['0']),
  one('text', at => quote(word(at)), awkward, { declared: 'PRIMARY KEY (k0(60))', atOnce: true }),
  one('varchar(40)', at => quote(word(at)), awkward, { declared: 'UNIQUE KEY (k0)' }),
  { columns: ['varchar(40)', 'decimal(10,2)', 'date'], key: at => `${quote(word(at % 7))}, ${at % 5}.25, ${quote(day(at))}` },
  // As many columns as are compared one by one, and more, which MariaDB alone allows.
  { columns: Array.from({ length: 16 }, () => 'smallint'), key: at => `${'7, '.repeat(15)}${at}` },
  { columns: Array.from({ length: 20 }, () => 'smallint'), key: at => `${'7, '.repeat(18)}${at % 9}, ${at}`, flavor: 'mariadb' },
  { columns: ['bigint unsigned', 'varbinary(20)'], key: at => `${at % 3}, X'${hex(at)}'` },
  one(
    'uuid',
    at => quote(`${hex(at)}3e4567-e89b-12d3-a456-4266554400${hex((at * 7) % 256)}`),
    [quote('00000000-0000-0000-0000-000000000000')],
    { flavor: 'mariadb' },
  ),
  one('inet4', at => quote(`${at}.0.2.${255 - at}`), ["'255.255.255.255'"], { flavor: 'mariadb' }),
  one('inet6', at => quote(`2001:db8::${hex(at)}:0:1`), ["'::'", "'::ffff:192.0.2.1'"], { flavor: 'mariadb' }),
];

const tableOf = (at: number): string => `k${at}`;
const columnsOf = ({ columns }: KeyType): readonly string[] => columns.map((_, at) => `k${at}`);
const keysOf = ({ key, odd = [] }: KeyType): readonly string[] => [...Array.from({ length: ROWS }, (_, at) => key(at)), ...odd];

/** The key of each record of a table, by `n`: the records that are deletes, or the others. */
const keysIn = (run: RunResult, table: string, key: readonly string[], deletes: boolean): ReadonlyMap<number, string> => {
  const found = new Map<number, string>();
  run.messages.forEach((message, at) => {
    if (message?.record?.stream !== table) return;
    const raw = rawData(run.lines[at] ?? '');
    if ((raw.get('_ab_cdc_deleted_at') !== 'null') !== deletes) return;
    const n = Number(raw.get('n'));
    if (found.has(n)) throw new Error(`row ${n} of ${table} came twice`);
    found.set(n, key.map(name => raw.get(name)).join(' '));
  });
  return found;
};

/** How many places within its snapshot the states have for a table. */
const steps = (run: RunResult, table: string): number =>
  new Set(run.states.flatMap(state => /"cursor":\{.*?\}/.exec(JSON.stringify(streamStates([state]).get(table) ?? null)) ?? []))
    .size;

const LATER = 1000;

const keyTests = (flavor: MysqlFlavor, open: () => Promise<TypeDatabase>): void => {
  const types = KEYS.filter(type => type.flavor === undefined || type.flavor === flavor);
  let database: TypeDatabase | undefined;
  let streams: readonly CatalogStream[] = [];
  let runs: { readonly snapshot: RunResult; readonly update: RunResult; readonly remove: RunResult } | undefined;

  beforeAll(async () => {
    database = await open();
    for (const [at, type] of types.entries()) {
      const columns = type.columns.map((native, index) => `k${index} ${native} NOT NULL`).join(', ');
      const declared = type.declared ?? `PRIMARY KEY (${columnsOf(type).join(', ')})`;
      await database.query(`CREATE TABLE ${tableOf(at)} (${columns}, n integer, ${declared})`);
      const rows = keysOf(type).map((key, n) => `(${key}, ${n})`);
      await database.query(`INSERT INTO ${tableOf(at)} VALUES ${rows.join(', ')}`);
    }
    const config = database.config();
    const catalog = await discoverCatalog(config);
    streams = catalog.streams;
    const configured = configuredCatalog(catalog);
    const read = async (state?: object): Promise<RunResult> =>
      expectSuccess(await runConnector({ command: 'read', config, catalog: configured, ...(state && { state }) }));
    const snapshot = await read();
    for (const at of types.keys()) await database.query(`UPDATE ${tableOf(at)} SET n = n + ${LATER}`);
    const update = await read(fullState(snapshot.states));
    for (const at of types.keys()) await database.query(`DELETE FROM ${tableOf(at)}`);
    const remove = await read(fullState(update.states));
    for (const run of [snapshot, update, remove]) expectSound(run);
    runs = { snapshot, update, remove };
  });
  afterAll(() => database?.drop());

  it.each(types.map((type, at) => [`${type.columns.join(', ').slice(0, 60)} ${type.declared ?? ''}`, type, at] as const))(
    'a key of type %s: every row once, chunk by chunk, and printed the same in snapshot, update and delete',
    (_, type, at) => {
      if (runs === undefined) throw new Error('nothing was read');
      const table = tableOf(at);
      const key = columnsOf(type);
      const stream = streams.find(({ name }) => name === table);
      expect(stream?.source_defined_primary_key).toEqual(key.map(name => [name]));
      expect(stream?.supported_sync_modes).toContain('incremental');
      const numbers = keysOf(type).map((_key, n) => n);
      const inSnapshot = keysIn(runs.snapshot, table, key, false);
      expect([...inSnapshot.keys()].sort((a, b) => a - b)).toEqual(numbers);
      // To a destination, rows with the same key are one row.
      const sayable = [...inSnapshot.values()].filter(said => said !== 'null');
      expect(new Set(sayable).size).toBe(sayable.length);
      const later = (found: ReadonlyMap<number, string>): unknown => new Map([...found].map(([n, said]) => [n - LATER, said]));
      expect(later(keysIn(runs.update, table, key, false))).toEqual(inSnapshot);
      expect(later(keysIn(runs.remove, table, key, true))).toEqual(inSnapshot);
      if (type.atOnce === true) expect(steps(runs.snapshot, table)).toBe(0);
      else expect(steps(runs.snapshot, table)).toBeGreaterThanOrEqual(2);
    },
  );
};

describeMysql(flavor => {
  describe('keys', () => keyTests(flavor, onMysql(flavor).open));
  describe('keys, under settings of the server that are unlike ours', () => keyTests(flavor, underUnlikeSettings(flavor).open));
});

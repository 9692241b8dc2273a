import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configuredCatalog, fullState } from '../../kit/catalog.ts';
import { expectSound } from '../../kit/invariants.ts';
import type { ConfiguredCatalog, JsonObject } from '../../kit/messages.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { expectSuccess, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { rawData, type TypeDatabase } from '../../kit/type-cases.ts';
import type { TypeCase } from '../../kit/type-family.ts';
import { BOOLEAN, INTEGER, NUMBER, OBJECT, quote, STRING, TIME } from './types/rows.ts';
import { onMysql } from './types/type-database.ts';
import { mysqlTypes } from './types.cases.ts';

/** A column under a schema that is not the one of discover: made under other options, or by another connector. */
interface Promised {
  readonly native: string;
  readonly insert: string;
  readonly schema: JsonObject;
  readonly json: string;
  readonly nulled?: boolean;
}

/** Anything can be said as a string: what has no quotes of its own gets them. */
const asString = ({ native, insert, json, change }: TypeCase): Promised => {
  const nulled = change === 'NULLED';
  const quoted = json.startsWith('"') || nulled ? json : JSON.stringify(json);
  return { native, insert, schema: STRING, json: quoted, nulled };
};
/** Of a boolean the number or the bit that it is on the server. */
const isBoolean = ({ schema }: TypeCase): boolean => schema === BOOLEAN;

const OTHERS: readonly Promised[] = [
  { native: 'tinyint(1)', insert: '-5', schema: STRING, json: '"-5"' },
  { native: 'tinyint(1)', insert: '-5', schema: INTEGER, json: '-5' },
  { native: 'tinyint(1)', insert: '-5', schema: NUMBER, json: '-5' },
  { native: 'bit(1)', insert: "b'1'", schema: STRING, json: '"1"' },
  { native: 'bigint unsigned', insert: '18446744073709551615', schema: NUMBER, json: '18446744073709551615' },
  { native: 'decimal(5)', insert: '7', schema: NUMBER, json: '7' },
  { native: 'time', insert: quote('23:59:59'), schema: TIME, json: '"23:59:59"' },
  { native: 'time(3)', insert: quote('01:02:03.25'), schema: TIME, json: '"01:02:03.250"' },
  { native: 'time', insert: quote('24:00:00'), schema: TIME, json: 'null', nulled: true },
  { native: 'time', insert: quote('-00:00:01'), schema: TIME, json: 'null', nulled: true },
  { native: 'json', insert: quote('{"a": 1}'), schema: OBJECT, json: '{"a":1}' },
];

const SPLIT = 60;
const column = (at: number): string => `c${at % SPLIT}`;
const table = (at: number): string => `p${Math.floor(at / SPLIT)}`;

describeMysql(flavor => {
  const strings = mysqlTypes[flavor].flatMap(family => family.cases.filter(one => !isBoolean(one)).map(asString));
  const promised = [...OTHERS, ...strings];
  const tables = [...new Set(promised.map((_, at) => table(at)))];
  const own = (name: string): (readonly [column: string, one: Promised])[] =>
    promised.flatMap((one, at) => (table(at) === name ? [[column(at), one] as const] : []));
  let database: TypeDatabase | undefined;
  let runs: readonly RunResult[] = [];

  beforeAll(async () => {
    const opened = await onMysql(flavor).open();
    database = opened;
    const insert = (name: string, id: number): Promise<unknown> =>
      opened.query(`INSERT INTO ${name} VALUES (${id}, ${own(name).map(([, one]) => one.insert)})`);
    for (const name of tables) {
      await opened.query(`CREATE TABLE ${name} (id int PRIMARY KEY, ${own(name).map(([c, one]) => `${c} ${one.native}`)})`);
      await insert(name, 1);
    }
    const config = opened.config();
    const found = configuredCatalog(await discoverCatalog(config));
    const catalog: ConfiguredCatalog = {
      streams: found.streams.map(configured => {
        const { json_schema } = configured.stream;
        const schemas = Object.fromEntries(own(configured.stream.name).map(([c, one]) => [c, one.schema]));
        const properties = { ...json_schema.properties, ...schemas };
        return { ...configured, stream: { ...configured.stream, json_schema: { ...json_schema, properties } } };
      }),
    };
    const read = async (more: object): Promise<RunResult> =>
      expectSound(expectSuccess(await runConnector({ command: 'read', config, catalog, ...more })), { catalog });
    const first = await read({});
    for (const name of tables) await insert(name, 2);
    runs = [first, await read({ state: fullState(first.states) })];
  });
  afterAll(() => database?.drop());

  describe('what the configured catalog promises is kept, in snapshot and log', () => {
    it.each(tables.map(name => [own(name)[0]?.[1].native ?? '', name] as const))('%s and so on (%s)', (_, name) => {
      for (const run of runs) {
        const at = run.messages.findIndex(message => message?.record?.stream === name);
        const raw = rawData(run.lines[at] ?? '');
        const nulled = new Set(
          (run.messages[at]?.record?.meta?.changes ?? []).flatMap(({ field, change }) => (change === 'NULLED' ? [field] : [])),
        );
        for (const [c, { native, insert, json, nulled: gone = false }] of own(name)) {
          const label = `${native} ${insert.slice(0, 100)}`;
          expect({ label, json: raw.get(c), gone: nulled.has(c) }).toEqual({ label, json, gone });
        }
      }
    });
  });
});

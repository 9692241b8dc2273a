import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeText } from '../../../src/engines/mysql/charsets.ts';
import { MULTI_BYTE_DIFFERENCES, SINGLE_BYTE } from '../../../src/values/mysql-charset-tables.ts';
import { NULLED } from '../../../src/values/value-writer.ts';
import { describeFlavor, describeMysql } from '../../kit/mysql-engines.ts';
import { seedOfRun } from '../../kit/random.ts';
import { type OwnMysqlServer, startMysql } from '../../kit/servers/mysql.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { ValueLab } from './value-lab.ts';
import { temporals, VALUE_TYPES } from './value-types.ts';

const seed = seedOfRun();
const hex = (...bytes: number[]): string => Buffer.from(bytes).toString('hex');
const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describeMysql(flavor => {
  let lab: ValueLab;
  beforeAll(async () => {
    lab = await ValueLab.open(await acquireMysql(flavor));
  });
  afterAll(() => lab.close());

  describe('every code of a character set means what the server converts it to', () => {
    const compare = async (charset: string, codes: readonly string[]): Promise<number> => {
      const expressions = codes.map(code => `CONVERT(CONVERT(X'${code}' USING ${charset}) USING utf8mb4)`);
      const texts = await lab.row(`SELECT ${expressions.join(', ')}`);
      let compared = 0;
      for (const [i, text] of texts.entries()) {
        const code = codes[i] ?? '';
        // NULL or ?: the server does not know the code itself, or has no Unicode for it.
        if (text === null || [...text].length !== 1 || text.includes('\0') || (text === '?' && code !== '3f')) continue;
        if (`${charset} ${code} ${decodeText(Buffer.from(code, 'hex'), charset)}` !== `${charset} ${code} ${text}`) {
          expect.fail(`${charset} ${code}: ${decodeText(Buffer.from(code, 'hex'), charset)}, the server says ${text}`);
        }
        compared++;
      }
      return compared;
    };

    it.each(Object.keys(SINGLE_BYTE))('%s', async charset => {
      expect(
        await compare(
          charset,
          range(1, 255).map(byte => hex(byte)),
        ),
      ).toBeGreaterThan(120);
    });

    it.each([...Object.keys(MULTI_BYTE_DIFFERENCES), 'gbk', 'euckr'].filter(set => flavor === 'mysql' || set !== 'gb18030'))(
      '%s',
      async charset => {
        let compared = await compare(
          charset,
          range(1, 255).map(byte => hex(byte)),
        );
        // In Shift JIS these are characters of one byte.
        const leads = range(0x81, 0xfe).filter(
          byte => !(charset === 'sjis' || charset === 'cp932') || byte < 0xa0 || byte > 0xdf,
        );
        for (const first of leads)
          compared += await compare(
            charset,
            range(0x30, 0xfe).map(second => hex(first, second)),
          );
        if (charset === 'ujis' || charset === 'eucjpms') {
          for (const second of range(0xa1, 0xfe))
            compared += await compare(
              charset,
              range(0xa1, 0xfe).map(third => hex(0x8f, second, third)),
            );
        }
        if (charset === 'gb18030') {
          const quadruples = fc.sample(
            fc.tuple(fc.integer({ min: 0x81, max: 0xe3 }), fc.nat(9), fc.integer({ min: 0x81, max: 0xfe }), fc.nat(9)),
            { seed, numRuns: 300 },
          );
          compared += await compare(
            charset,
            quadruples.map(([a, b, c, d]) => hex(a, 0x30 + b, c, 0x30 + d)),
          );
        }
        expect(compared).toBeGreaterThan(6000);
      },
    );
  });
});

describeFlavor('mysql', 'MySQL, partial updates', () => {
  let lab: ValueLab;
  beforeAll(async () => {
    lab = await ValueLab.open(await acquireMysql('mysql'));
    await lab.sql("SET binlog_row_value_options = 'PARTIAL_JSON'");
  });
  afterAll(() => lab.close());

  const key = fc.constantFrom('a', 'b', 'long key', 'é', 'q"uote', 'x.y');
  const step = fc.oneof(
    key.map(name => `."${name.replaceAll('"', '\\\\"')}"`),
    fc.nat(4).map(index => `[${index}]`),
  );
  const path = fc.array(step, { minLength: 1, maxLength: 3 }).map(steps => `'$${steps.join('')}'`);
  const value = fc.oneof(
    fc.integer().map(String),
    fc.constantFrom(
      'NULL',
      'TRUE',
      '1.50',
      "'text \\\\\" é'",
      'JSON_OBJECT("k", JSON_ARRAY(1, 2))',
      'JSON_ARRAY()',
      'CAST("2024-01-02" AS DATE)',
      'REPEAT("y", 300)',
    ),
  );
  const pairs = fc.array(fc.tuple(path, value), { minLength: 1, maxLength: 4 }).map(list => list.flat().join(', '));
  const update = fc
    .array(
      fc.oneof(
        fc.tuple(fc.constantFrom('JSON_SET', 'JSON_REPLACE'), pairs).map(
          ([name, list]) =>
            (inner: string) =>
              `${name}(${inner}, ${list})`,
        ),
        path.map(where => (inner: string) => `JSON_REMOVE(${inner}, ${where})`),
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map(wraps => wraps.reduce((inner, wrap) => wrap(inner), 'c'));

  it(`give the document that a SELECT gives (seed ${seed})`, async () => {
    const document = `JSON_OBJECT('a', JSON_ARRAY(1, JSON_OBJECT('b', REPEAT('x', 400)), 'three'), 'b', JSON_OBJECT('a', 1.5, 'é', JSON_ARRAY(1, 2, 3)), 'long key', REPEAT('z', 900), 'q"uote', TRUE)`;
    const updates = fc.sample(update, { seed, numRuns: 600 });
    const table = await lab.table(
      'JSON',
      updates.map(() => document),
    );
    for (const [id, expression] of updates.entries()) await lab.sql(`UPDATE ${table} SET c = ${expression} WHERE id = ${id}`);
    const values = await lab.read(table);
    expect(values.length).toBe(updates.length);
    expect(lab.partialUpdates).toBeGreaterThan(100);
    for (const [i, { text, log, logVerdict }] of values.entries())
      expect({ sql: updates[i], json: log, logVerdict }).toEqual({ sql: updates[i], json: text, logVerdict: 0 });
  });
});

describeFlavor('mariadb', 'MariaDB, older forms', () => {
  let server: OwnMysqlServer;
  let lab: ValueLab;
  beforeAll(async () => {
    server = await startMysql({
      flavor: 'mariadb',
      settings: { mysql56_temporal_format: 'OFF', column_compression_zlib_wrap: 'ON' },
    });
    lab = await ValueLab.open(server);
  });
  afterAll(async () => {
    await lab.close();
    await server.stop();
  });

  it.each([0, 1, 2, 3, 4, 5, 6].flatMap(temporals))(`$type (seed ${seed})`, async each => {
    const values = await lab.values(each.type, [...(each.always ?? []), ...fc.sample(each.values, { seed, numRuns: 120 })]);
    expect(values.length).toBeGreaterThan(100);
    for (const { text, log, textVerdict, logVerdict, server: printed } of values) {
      expect({ log, logVerdict }).toEqual({ log: text, logVerdict: textVerdict });
      if (textVerdict !== NULLED) expect(JSON.parse(text)).toBe(each.expected?.(printed ?? ''));
    }
  });

  it.each(VALUE_TYPES.filter(each => each.type.includes('COMPRESSED')))('$type with zlib headers', async each => {
    const values = await lab.values(each.type, fc.sample(each.values, { seed, numRuns: 50 }));
    expect(values.length).toBeGreaterThan(40);
    for (const { text, log } of values) expect(log).toBe(text);
  });
});

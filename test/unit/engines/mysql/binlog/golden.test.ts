import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dumpOf, recordedScenarios, recordingsOf, storyOf } from '../../../../golden/mysql-recordings.ts';
import { binlogScenarios } from '../../../../golden/mysql-scenarios.ts';
import { toLines } from '../../../../golden/postgres-dump.ts';
import { type MysqlFlavor, mysqlFlavors } from '../../../../kit/servers/mysql.ts';

const one = '01000000';
const text = (value: string): string => Buffer.from(value).toString('hex');

/** What the statements of the scenarios must have left in the log, by hand. */
const EXPECTED: readonly (readonly [name: string, flavor: MysqlFlavor, changes: readonly unknown[]])[] = mysqlFlavors.flatMap(
  flavor => [
    [
      'rows',
      flavor,
      [
        [
          'insert',
          'r',
          { after: { id: one, v: `03${text('one')}`, w: null } },
          { after: { id: '02000000', v: null, w: '02000000' } },
          { after: { id: '03000000', v: '00', w: '03000000' } },
        ],
        [
          'update',
          'r',
          { before: { id: one, v: `03${text('one')}`, w: null }, after: { id: one, v: `07${text('changed')}`, w: one } },
          {
            before: { id: '02000000', v: null, w: '02000000' },
            after: { id: '02000000', v: `07${text('changed')}`, w: '02000000' },
          },
        ],
        [
          'delete',
          'r',
          { before: { id: '02000000', v: `07${text('changed')}`, w: '02000000' } },
          { before: { id: '03000000', v: '00', w: '03000000' } },
        ],
        ['insert', 'r', { after: { id: '04000000', v: `01${text('a')}`, w: one } }],
        ['insert', 'r', { after: { id: '06000000', x: one, v: `01${text('c')}`, w: '02000000' } }],
        [
          'delete',
          'odd `name',
          { before: { id: '04000000', x: null, v: `01${text('a')}`, w: one } },
          { before: { id: '06000000', x: one, v: `01${text('c')}`, w: '02000000' } },
        ],
      ],
    ],
    [
      'images',
      flavor,
      [
        [
          'insert',
          'i',
          { after: { id: one, a: one, b: `01${text('x')}`, t: `0400${text('text')}` } },
          { after: { id: '02000000', a: '02000000', b: null, t: null } },
        ],
        ['update', 'i', { before: { id: one }, after: { b: `01${text('y')}` } }],
        ['delete', 'i', { before: { id: '02000000' } }],
        ['insert', 'i', { after: { id: '03000000' } }],
        [
          'update',
          'i',
          { before: { id: one, a: one, b: `01${text('y')}` }, after: { id: one, a: '03000000', b: `01${text('y')}` } },
        ],
        [
          'update',
          'i',
          {
            before: { id: one, a: '03000000', b: `01${text('y')}` },
            after: { id: one, a: '03000000', b: `01${text('y')}`, t: `0100${text('z')}` },
          },
        ],
        ['delete', 'i', { before: { id: one, a: '03000000', b: `01${text('y')}` } }],
      ],
    ],
    ['no-checksums', flavor, [['insert', 'n', { after: { id: one } }]]],
  ],
);

describe('recorded logs of real servers', () => {
  for (const flavor of mysqlFlavors) {
    it(`are all there: ${flavor}`, () => {
      const scenarios = binlogScenarios.filter(({ flavors }) => flavors.includes(flavor)).map(({ name }) => name);
      expect(recordedScenarios(flavor).sort()).toEqual(scenarios.sort());
    });
    for (const name of recordedScenarios(flavor)) {
      it(`read as before: ${flavor}, ${name}`, async () => {
        const lines = toLines((await dumpOf(flavor, name)).map(({ kind, ...rest }) => ({ message: kind, ...rest })));
        expect(lines).toBe(readFileSync(join(recordingsOf(flavor), `${name}.ndjson`), 'utf8'));
      });
    }
  }

  it('hold what was done', async () => {
    for (const [name, flavor, changes] of EXPECTED) {
      const rows = (await storyOf(flavor, name)).filter(entry => Array.isArray(entry));
      expect([flavor, name, rows]).toEqual([flavor, name, changes]);
    }
  });

  it('hold XA transactions by name', async () => {
    expect((await storyOf('mysql', 'xa')).slice(1)).toEqual([
      "XA START X'61',X'62',3",
      ['insert', 'x', { after: { id: one } }],
      "XA END X'61',X'62',3",
      ['prepare', "X'61',X'62',3"],
      "XA COMMIT X'61',X'62',3",
      "XA START X'63',X'',1",
      ['insert', 'x', { after: { id: '02000000' } }],
      "XA END X'63',X'',1",
      ['prepare', "X'63',X'',1"],
      "XA ROLLBACK X'63',X'',1",
      "XA START X'64',X'',1",
      ['insert', 'x', { after: { id: '03000000' } }],
      "XA END X'64',X'',1",
      ['one phase', "X'64',X'',1"],
    ]);
  });

  it('hold compressed transactions as if they were not', async () => {
    const z = (id: string, value: string): object => ({ id, v: value });
    const long = (letter: string, count: number): string => {
      const length = Buffer.alloc(2);
      length.writeUInt16LE(count);
      return `${length.toString('hex')}${text(letter).repeat(6)}… ${count + 2}`;
    };
    const expected = [
      ['insert', 'z', { after: z(one, long('x', 3000)) }, { after: z('02000000', `0100${text('y')}`) }],
      ['update', 'z', { before: z('02000000', `0100${text('y')}`), after: z('02000000', long('z', 5000)) }],
    ];
    for (const [flavor, name] of [
      ['mysql', 'compressed-transactions'],
      ['mariadb', 'compressed-events'],
    ] as const) {
      const rows = (await storyOf(flavor, name)).filter(entry => Array.isArray(entry));
      expect(rows.slice(0, 2)).toEqual(expected);
    }
  });

  it('hold JSON diffs, told from whole values', async () => {
    const updates = (await storyOf('mysql', 'partial-json')).flatMap(entry =>
      Array.isArray(entry) && entry[0] === 'update' ? entry.slice(2) : [],
    ) as {
      readonly after: Readonly<Record<string, unknown>>;
    }[];
    const unchanged = { diffs: '00000000' };
    const diff = (bytes: string): object => ({ diffs: bytes });
    expect(updates.map(({ after }) => [after['a'], after['b']])).toEqual([
      [diff(`0c000000${'00'}06${text('$.l[1]')}03050700`), unchanged],
      ['050000000000000400', diff(`05000000${'02'}03${text('$.k')}`)],
      [unchanged, unchanged],
      [null, unchanged],
      [undefined, diff(`0d000000${'01'}05${text('$.new')}05${'0200000400'}`)],
    ]);
  });

  it('name every transaction', async () => {
    const gtids = (await dumpOf('mysql', 'tags')).filter(({ kind }) => kind === 'gtid');
    expect(gtids.map(({ tag, gno, type }) => [type, tag, Number(gno) > 1000 || tag !== '' ? gno : 'next'])).toEqual([
      [33, '', 'next'],
      [42, 'first_tag', 1],
      [42, 'first_tag', 2],
      [42, 'other', 17],
      [33, '', 4294967296],
      [33, '', 'next'],
      [33, '', 'next'],
    ]);
    expect(gtids[5]?.['originalCommitMicros']).toBe(1_500_000_000_123_456);
    const domains = (await dumpOf('mariadb', 'domains')).filter(({ kind }) => kind === 'gtid');
    expect(
      domains.map(({ domainId, gno, extraFlags }) => [domainId, gno === 0 || domainId === 0 ? 'next' : gno, extraFlags]),
    ).toEqual([
      [0, 'next', 0],
      [7, 1, 0],
      [7, 2, 0],
      [7, 3, 0],
      [7, 4, 0],
      [7, 5, 2],
      [7, 6, 4],
    ]);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFrames, writeFrames } from '../../../golden/frames.ts';
import { type Dumped, dumpLog, dumpRows, toLines } from '../../../golden/postgres-dump.ts';
import { copyScenarios, logScenarios } from '../../../golden/postgres-scenarios.ts';

const folder = join(import.meta.dirname, '../../../golden/postgres');
const majors = readdirSync(folder).map(Number);
const frames = (major: number, name: string): Buffer[] => readFrames(readFileSync(join(folder, String(major), `${name}.bin`)));
const lines = (major: number, name: string): string => readFileSync(join(folder, String(major), `${name}.ndjson`), 'utf8');

/** The changes of a recording in short, without what differs from one recording to the next. */
const changes = (major: number, name: string): unknown[] =>
  dumpLog(frames(major, name)).flatMap((dumped: Dumped): unknown[] => {
    const { message, relation, old, key, new: row, relations, options } = dumped as Readonly<Record<string, unknown>>;
    const table = String(relation).replace('public.', '');
    if (message === 'insert') return [['insert', table, row]];
    if (message === 'update') return [['update', table, old === undefined ? (key ?? null) : { old }, row]];
    if (message === 'delete') return [['delete', table, old === undefined ? key : { old }]];
    if (message === 'truncate') return [['truncate', relations, options]];
    return [];
  });

const digits = '0123456789'.repeat(300);
const xs = 'x'.repeat(3000);
const unchanged = { unchanged: true };

/** What the statements of the scenarios must have left in the log, by hand. */
const EXPECTED: Readonly<Record<string, readonly unknown[]>> = {
  identities: [
    ['insert', 'by_default', { id: '1', v: 'one' }],
    ['insert', 'by_default', { id: '2', v: null }],
    ['update', 'by_default', null, { id: '1', v: 'changed' }],
    ['update', 'by_default', { id: '1', v: null }, { id: '10', v: 'changed' }],
    ['delete', 'by_default', { id: '2', v: null }],
    ['insert', 'by_full', { id: '1', v: 'one' }],
    ['insert', 'by_full', { id: '2', v: null }],
    ['update', 'by_full', { old: { id: '1', v: 'one' } }, { id: '1', v: 'changed' }],
    ['update', 'by_full', { old: { id: '1', v: 'changed' } }, { id: '10', v: 'changed' }],
    ['delete', 'by_full', { old: { id: '2', v: null } }],
    ['insert', 'by_index', { a: '7', id: '1', code: 'x', v: 'one' }],
    ['insert', 'by_index', { a: '8', id: '2', code: 'y', v: null }],
    ['update', 'by_index', null, { a: '7', id: '1', code: 'x', v: 'changed' }],
    ['update', 'by_index', { a: '7', id: null, code: 'x', v: null }, { a: '7', id: '1', code: 'z', v: 'changed' }],
    ['delete', 'by_index', { a: '8', id: null, code: 'y', v: null }],
  ],
  'insert-only': [
    ['insert', 'bare', { id: '1', v: 'a' }],
    ['insert', 'bare', { id: null, v: '' }],
    ['insert', 'silent', { id: '1', v: 'a' }],
    ['insert', 'silent', { id: '2', v: 'c' }],
  ],
  toast: [
    ['insert', 'big', { id: '1', body: digits, note: 'n' }],
    ['insert', 'big', { id: '2', body: '', note: null }],
    ['update', 'big', null, { id: '1', body: unchanged, note: '' }],
    ['update', 'big', { id: '1', body: null, note: null }, { id: '3', body: unchanged, note: '' }],
    ['update', 'big', null, { id: '3', body: null, note: '' }],
    ['update', 'big', null, { id: '2', body: xs, note: null }],
    ['delete', 'big', { id: '3', body: null, note: null }],
    ['delete', 'big', { id: '2', body: null, note: null }],
    ['insert', 'big_full', { id: '1', body: digits, note: 'n' }],
    ['insert', 'big_full', { id: '2', body: '', note: null }],
    ['update', 'big_full', { old: { id: '1', body: digits, note: 'n' } }, { id: '1', body: unchanged, note: '' }],
    ['update', 'big_full', { old: { id: '1', body: digits, note: '' } }, { id: '3', body: unchanged, note: '' }],
    ['update', 'big_full', { old: { id: '3', body: digits, note: '' } }, { id: '3', body: null, note: '' }],
    ['update', 'big_full', { old: { id: '2', body: '', note: null } }, { id: '2', body: xs, note: null }],
    ['delete', 'big_full', { old: { id: '3', body: null, note: '' } }],
    ['delete', 'big_full', { old: { id: '2', body: xs, note: null } }],
  ],
  shapes: [
    ['insert', 't', { id: '1', a: 'a', b: '1.50' }],
    ['insert', 't', { id: '2', a: 'b', b: '2.00', c: '2024-02-29 12:00:00+00' }],
    ['insert', 't', { id: '3', b: '3.00', c: null }],
    ['insert', 't', { id: '4', renamed: '4.00', c: null }],
    ['insert', 't', { id: '5', renamed: '', c: null }],
    ['insert', 'Tä ble."x"', { id: '6', renamed: '🐘', c: null }],
    ['delete', 'Tä ble."x"', { old: { id: '6', renamed: '🐘', c: null } }],
  ],
  truncate: [
    ['insert', 'parent', { id: '1' }],
    ['insert', 'child', { id: '1', parent: '1' }],
    ['truncate', ['public.child'], 0],
    ['truncate', ['public.child'], 2],
    ['truncate', ['public.parent', 'public.child'], 1],
    ['truncate', ['public.parent', 'public.child'], 3],
  ],
  'partitions-as-root': [
    ['insert', 'p', { id: '1', region: 'eu', v: 'a' }],
    ['insert', 'p', { id: '2', region: 'us', v: 'b' }],
    ['update', 'p', null, { id: '1', region: 'eu', v: 'c' }],
    ['update', 'p', null, { id: '2', region: 'us', v: 'c' }],
    ['delete', 'p', { id: '1', region: 'eu', v: null }],
    ['insert', 'p', { id: '1', region: 'us', v: 'c' }],
    ['update', 'p', { id: '2', region: 'us', v: null }, { id: '20', region: 'us', v: 'c' }],
    ['delete', 'p', { id: '1', region: 'us', v: null }],
    ['truncate', ['public.p'], 0],
  ],
  'partitions-as-leaves': [
    ['insert', 'p_eu', { id: '1', region: 'eu', v: 'a' }],
    ['insert', 'p_us', { v: 'b', region: 'us', id: '2' }],
    ['update', 'p_eu', null, { id: '1', region: 'eu', v: 'c' }],
    ['update', 'p_us', null, { v: 'c', region: 'us', id: '2' }],
    ['delete', 'p_eu', { id: '1', region: 'eu', v: null }],
    ['insert', 'p_us', { v: 'c', region: 'us', id: '1' }],
    ['update', 'p_us', { v: null, region: 'us', id: '2' }, { v: 'c', region: 'us', id: '20' }],
    ['truncate', ['public.p_eu'], 0],
    ['delete', 'p_us', { v: null, region: 'us', id: '1' }],
    ['truncate', ['public.p_eu', 'public.p_us'], 0],
  ],
  binary: [
    [
      'insert',
      't',
      { id: { binary: '00000001' }, n: { binary: '000000012a05f200' }, v: { binary: '74657874' }, b: { binary: '00ff' } },
    ],
    ['insert', 't', { id: { binary: '00000002' }, n: null, v: { binary: '' }, b: { binary: '' } }],
  ],
  'not-ours': [
    ['insert', 't', { id: '1' }],
    ['insert', 't', { id: '3' }],
  ],
  'columns-and-rows': [
    ['insert', 't', { id: '2', v: '2' }],
    ['insert', 't', { id: '3', v: '1' }],
    ['delete', 't', { id: '2', v: null }],
    ['delete', 't', { id: '3', v: null }],
  ],
  generated: [
    ['insert', 't', { id: '1', double: '2' }],
    ['update', 't', { id: '1', double: null }, { id: '2', double: '4' }],
    ['delete', 't', { id: '2', double: null }],
  ],
};

/** Fields of the COPY scenarios, by hand. */
const ROWS: Readonly<Record<string, readonly (readonly (string | null)[])[]>> = {
  escapes: [
    ['1', '\b\f\n\r\t\v\\', null, ''],
    ['2', '\\N', '\\.', '\\\\'],
    ['3', '\x01\x7f', 'häß 🐘', 'a\tb\nc'],
    ['4', null, null, null],
    ['5', '', '', ''],
    ['6', 'ends in \\', '\\t', 'N'],
  ],
  'one-column': [[null], [''], ['\\N'], ['\n'], ['x']],
  'no-columns': [[], [], []],
  values: [
    [
      '\\x00ff5c',
      '{"a\\"b","c\\\\d",NULL,"\t"}',
      '{"a": "\\n", "b": "\\\\"}',
      '(1,"x\\\\y",)',
      'NaN',
      '2024-02-29 01:02:03.000004+00',
    ],
  ],
  large: [['1', 'line\n'.repeat(2000), 'x'.repeat(5000)]],
};

describe.each(majors)('recorded bytes of PostgreSQL %i', major => {
  const log = logScenarios.filter(({ since }) => major >= (since ?? 0)).map(({ name }) => name);

  it('has every scenario and nothing else', () => {
    const expected = [...log.map(name => `log-${name}`), ...copyScenarios.map(({ name }) => `copy-${name}`)];
    const files = expected.flatMap(name => [`${name}.bin`, `${name}.ndjson`]);
    expect(readdirSync(join(folder, String(major))).sort()).toEqual(files.sort());
  });

  it.each(log)('log of %s', name => {
    const messages = frames(major, `log-${name}`);
    expect(writeFrames(messages).equals(readFileSync(join(folder, String(major), `log-${name}.bin`)))).toBe(true);
    expect(toLines(dumpLog(messages))).toBe(lines(major, `log-${name}`));
  });

  it.each(copyScenarios.map(({ name, columns }) => [name, columns] as const))('COPY of %s', (name, columns) => {
    const rows = dumpRows(columns, frames(major, `copy-${name}`));
    expect(toLines(rows)).toBe(lines(major, `copy-${name}`));
    if (ROWS[name] !== undefined) expect(rows).toEqual(ROWS[name]);
  });

  it.each(Object.keys(EXPECTED).filter(name => log.includes(name)))('the log of %s holds what was done', name => {
    expect(changes(major, `log-${name}`)).toEqual(EXPECTED[name]);
  });

  it('names the commit of each transaction at its beginning', () => {
    for (const name of log) {
      let begin: Dumped | null = null;
      for (const dumped of dumpLog(frames(major, `log-${name}`))) {
        if (dumped.message === 'begin') begin = dumped;
        if (dumped.message !== 'commit') continue;
        expect([begin?.['finalLsn'], begin?.['commitMicros']]).toEqual([dumped['commitLsn'], dumped['commitMicros']]);
        expect(Number(dumped['endLsn'])).toBeGreaterThan(Number(dumped['commitLsn']));
        begin = null;
      }
      expect(begin).toBeNull();
    }
  });

  it('reads origins, logical messages and types', () => {
    const origins = dumpLog(frames(major, 'log-origin-and-messages'));
    expect(origins.find(({ message }) => message === 'origin')).toEqual({ message: 'origin', lsn: 0x16b3748, name: 'elsewhere' });
    expect(origins[0]?.['commitMicros']).toBe(Date.UTC(2024, 0, 1) * 1000);
    expect(origins.filter(({ message }) => message === 'message')).toEqual([
      expect.objectContaining({ transactional: false, prefix: 'loose', content: 'no transaction' }),
      expect.objectContaining({ transactional: true, prefix: 'bound', content: '' }),
    ]);
    const types = dumpLog(frames(major, 'log-types')).filter(({ message }) => message === 'type');
    expect(types.map(({ namespace, name }) => `${String(namespace)}.${String(name)}`)).toEqual([
      'other.mood',
      'public.pair',
      'pg_catalog.numeric', // a domain is announced under the name of its base type
    ]);
  });

  if (log.includes('two-phase')) {
    it('reads prepared transactions', () => {
      const messages = dumpLog(frames(major, 'log-two-phase')).filter(({ gid }) => gid !== undefined);
      expect(messages.map(({ message, gid }) => `${message} ${String(gid)}`)).toEqual([
        'begin_prepare gid one',
        'prepare gid one',
        'commit_prepared gid one',
        'begin_prepare gid two',
        'prepare gid two',
        'rollback_prepared gid two',
      ]);
      expect(new Set(messages.map(({ xid }) => xid)).size).toBe(2);
    });
  }

  it('reads 1600 columns', () => {
    const [row] = changes(major, 'log-wide') as [string, string, Record<string, string | null>][];
    expect(Object.keys(row?.[2] ?? {})).toHaveLength(1600);
    expect([row?.[2]['c1'], row?.[2]['c2'], row?.[2]['c3'], row?.[2]['c1600']]).toEqual(['t', 'f', null, 't']);
  });
});

import { ConnectorError } from '../../src/contract/errors.ts';
import { CopyRow } from '../../src/engines/postgres/wire/copy-row.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';

export interface CopySample {
  readonly columns: number;
  readonly bytes: Buffer;
}

const LETTERS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\' };

/**
 * The text format of COPY TO once more, by string functions (PostgreSQL manual, "COPY", "Text Format"); bytes are
 * characters of Latin-1. Null: not a row that a server writes.
 */
export const splitReference = (bytes: Buffer, columns: number): (string | null)[] | null => {
  const text = bytes.toString('latin1');
  const line = text.slice(0, -1);
  if (!text.endsWith('\n') || line.includes('\n')) return null;
  if (columns === 0) return line === '' ? [] : null;
  const fields = line.split('\t');
  if (fields.length !== columns) return null;
  const values: (string | null)[] = [];
  for (const field of fields) {
    if (field !== '\\N' && !/^(?:[^\\]|\\[bfnrtv\\])*$/s.test(field)) return null;
    values.push(field === '\\N' ? null : field.replace(/\\(.)/gs, (_, letter: string) => LETTERS[letter] ?? letter));
  }
  return values;
};

type Values = readonly (string | null)[] | null;
const same = (a: Values, b: Values): boolean =>
  a === b || (a !== null && b !== null && a.length === b.length && a.every((value, i) => value === b[i]));

/** Splits mutated rows until one is read otherwise than by the reference. */
export class CopyFuzzer {
  accepted = 0;
  rejected = 0;
  private readonly corpus: readonly CopySample[];
  private readonly random: Random;
  private readonly rows = new Map<number, CopyRow>();

  constructor(corpus: readonly CopySample[], random: Random) {
    this.corpus = corpus;
    this.random = random;
  }

  run(): void {
    const { random } = this;
    const sample = random.pick(this.corpus);
    const valid = random.below(50) === 0;
    const row = valid ? sample.bytes : mutate(random, sample.bytes, random.pick(this.corpus).bytes);
    const columns = valid || random.below(20) !== 0 ? sample.columns : random.below(6);
    const [before, after] = [Buffer.from('a\\'), Buffer.from('\tN\n')];
    const input = Buffer.concat([before, row, after]);
    const expected = splitReference(row, columns);
    const actual = this.split(input, before.length, before.length + row.length, columns);
    if (!same(actual, expected)) {
      throw new Error(
        `${row.toString('hex')}, ${columns} columns\n decoder:   ${JSON.stringify(actual)}\n reference: ${JSON.stringify(expected)}`,
      );
    }
    if (valid && actual === null) throw new Error(`a valid row was refused: ${row.toString('hex')}`);
    const end = before.length + row.length;
    if (!input.subarray(0, before.length).equals(before) || !input.subarray(end).equals(after)) {
      throw new Error(`bytes outside of the row were changed: ${row.toString('hex')}`);
    }
    if (actual === null) this.rejected++;
    else this.accepted++;
  }

  private split(input: Buffer, start: number, end: number, columns: number): (string | null)[] | null {
    const row = this.rows.get(columns) ?? new CopyRow(columns);
    this.rows.set(columns, row);
    try {
      row.split(input, start, end);
    } catch (error) {
      if (error instanceof ConnectorError && error.code === 'VALUE_UNREADABLE') return null;
      throw new Error(`${input.toString('hex', start, end)}: ${String(error)}`, { cause: error });
    }
    const values: (string | null)[] = [];
    let least = start;
    for (let column = 0; column < columns; column++) {
      const [from = -1, to = -1] = [row.starts[column], row.ends[column]];
      if (from === -1 && to === -1) {
        values.push(null);
        continue;
      }
      if (from < least || to < from || to >= end) throw new Error(`field ${column} is out of bounds: ${from}..${to}`);
      values.push(input.toString('latin1', from, to));
      least = to;
    }
    return values;
  }
}

/** Where a text is not what it should be: a 0-based place in it, and what was expected there. */
export interface TextProblem {
  readonly at: number;
  readonly expected: string;
}

const UUID = /[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}/iy;
const TAG = /[a-z_][a-z0-9_]{0,31}/iy;
const NUMBER = /[0-9]+/y;
const SPACE = /[\s]*/y;

/**
 * Reads the text of a GTID set and hands each range to `add`, both ends included; a source is `uuid` or `uuid:tag`, lower
 * case, with dashes. Ranges may come in any order and overlap. Null: the whole text was read.
 */
export function readGtidSet(text: string, add: (source: string, first: number, last: number) => void): TextProblem | null {
  return new GtidSetReader(text, add).read();
}

class GtidSetReader {
  readonly #text: string;
  readonly #add: (source: string, first: number, last: number) => void;
  #at = 0;

  constructor(text: string, add: (source: string, first: number, last: number) => void) {
    this.#text = text;
    this.#add = add;
  }

  read(): TextProblem | null {
    for (;;) {
      this.#match(SPACE);
      if (this.#at === this.#text.length) return null;
      // The server takes empty elements: `,` at the end, `,,` in between.
      if (this.#take(',')) continue;
      const problem = this.#source();
      if (problem !== null) return problem;
      if (this.#at < this.#text.length && !this.#take(',')) return this.#expected('"," or ":" or the end');
    }
  }

  #source(): TextProblem | null {
    const uuid = this.#match(UUID)?.toLowerCase().replaceAll('-', '');
    if (uuid === undefined || /[0-9a-f]/i.test(this.#text[this.#at] ?? '')) {
      return this.#expected('a source UUID such as 3e11fa47-71ca-11e1-9e33-c80aa9429562');
    }
    const dashed = `${uuid.slice(0, 8)}-${uuid.slice(8, 12)}-${uuid.slice(12, 16)}-${uuid.slice(16, 20)}-${uuid.slice(20)}`;
    let source = dashed;
    let empty = true;
    while (this.#take(':')) {
      const tag = this.#match(TAG);
      if (tag !== null) {
        if (empty && source !== dashed) return this.#expected('the transaction numbers of the tag');
        source = `${dashed}:${tag.toLowerCase()}`;
        empty = true;
        continue;
      }
      const problem = this.#interval(source);
      if (problem !== null) return problem;
      empty = false;
    }
    return empty ? this.#expected('":" and transaction numbers') : null;
  }

  #interval(source: string): TextProblem | null {
    const start = this.#at;
    const first = this.#number();
    if (first === null) return this.#expected('a transaction number from 1 to 9007199254740991, or a tag');
    if (!this.#take('-')) {
      this.#add(source, first, first);
      return null;
    }
    const last = this.#number();
    if (last === null) return this.#expected('the last number of the range');
    if (last < first) return { at: start, expected: 'a range that does not run backwards' };
    this.#add(source, first, last);
    return null;
  }

  /** Null, and nothing taken: no number, zero, or one that a double does not hold together with its successor. */
  #number(): number | null {
    const from = this.#at;
    const value = Number(this.#match(NUMBER) ?? '0');
    if (value >= 1 && value < Number.MAX_SAFE_INTEGER) return value;
    this.#at = from;
    return null;
  }

  #take(character: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    this.#match(SPACE);
    return true;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at += found[0].length;
    return found[0];
  }

  #expected(expected: string): TextProblem {
    return { at: this.#at, expected };
  }
}

/** Where JSON text goes wrong, in words that quote nothing of it: a config holds secrets, and V8's messages quote. */

export interface JsonFlaw {
  /** Both count from 1; the column counts UTF-16 units. */
  readonly line: number;
  readonly column: number;
  readonly expected: string;
  /** The text ends before the value does: it was cut. */
  readonly cut: boolean;
  /** There is no text at all. */
  readonly empty: boolean;
}

export type JsonResult = { readonly value: unknown } | { readonly flaw: JsonFlaw };

/** Parses JSON text; a byte order mark in front is passed over. */
export function parseJson(text: string): JsonResult {
  const body = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  try {
    return { value: JSON.parse(body) as unknown };
  } catch {
    return { flaw: locate(body) };
  }
}

export const describeFlaw = (flaw: JsonFlaw): string =>
  flaw.empty
    ? 'the file is empty'
    : flaw.cut
      ? `the JSON ends too early, at line ${flaw.line}, column ${flaw.column}: expected ${flaw.expected}`
      : `not valid JSON at line ${flaw.line}, column ${flaw.column}: expected ${flaw.expected}`;

/** What may come next in an object or array, or at the top. */
type Expectation = 'value' | 'key' | 'key or }' | 'value or ]' | ':' | 'comma' | 'end';

const EXPECTED: Readonly<Record<Expectation, string>> = {
  value: 'a value',
  key: 'a key in double quotes (a comma before it must not be the last thing in an object)',
  'key or }': 'a key in double quotes or }',
  'value or ]': 'a value or ]',
  ':': 'a colon',
  comma: 'a comma or the closing bracket',
  end: 'the end of the file',
};

const SPACE = /[ \t\n\r]*/y;
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;
/** What can only be the beginning of a value or escape whose rest was cut off. */
const CUT_VALUE = /(?:-|-?(?:0|[1-9][0-9]*)(?:\.|(?:\.[0-9]+)?[eE][+-]?)|t|tr|tru|f|fa|fal|fals|n|nu|nul)$/y;
const CUT_ESCAPE = /\\(?:u[0-9a-fA-F]{0,3})?$/y;

/** RFC 8259 as a small automaton; only run on text that JSON.parse has refused. */
function locate(text: string): JsonFlaw {
  const open: ('{' | '[')[] = [];
  let expectation: Expectation = 'value';
  let at = 0;
  const match = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  const after = (): Expectation => (open.length === 0 ? 'end' : 'comma');
  const close = (bracket: '{' | '['): boolean => open.at(-1) === bracket && open.pop() !== undefined;

  for (;;) {
    match(SPACE);
    if (at >= text.length) return flawAt(text, at, EXPECTED[expectation], true);
    const next = text[at];
    if (next === '}' && (expectation === 'key or }' || expectation === 'comma') && close('{')) {
      at++;
      expectation = after();
    } else if (next === ']' && (expectation === 'value or ]' || expectation === 'comma') && close('[')) {
      at++;
      expectation = after();
    } else if (expectation === 'comma' && next === ',') {
      at++;
      expectation = open.at(-1) === '{' ? 'key' : 'value';
    } else if (expectation === ':' && next === ':') {
      at++;
      expectation = 'value';
    } else if (expectation === 'key' || expectation === 'key or }') {
      if (next !== '"') return flawAt(text, at, EXPECTED[expectation], false);
      const flaw = string();
      if (flaw !== undefined) return flaw;
      expectation = ':';
    } else if (expectation === 'value' || expectation === 'value or ]') {
      if (next === '{' || next === '[') {
        open.push(next);
        at++;
        expectation = next === '{' ? 'key or }' : 'value or ]';
      } else if (next === '"') {
        const flaw = string();
        if (flaw !== undefined) return flaw;
        expectation = after();
      } else if (match(CUT_VALUE)) {
        return flawAt(text, at, 'the rest of a value', true);
      } else if (match(NUMBER) || match(WORD)) {
        expectation = after();
      } else {
        return flawAt(text, at, EXPECTED[expectation], false);
      }
    } else {
      return flawAt(text, at, EXPECTED[expectation], false);
    }
  }

  function string(): JsonFlaw | undefined {
    match(STRING);
    if (text[at] === '"') {
      at++;
      return undefined;
    }
    if (at >= text.length) return flawAt(text, at, 'a closing double quote', true);
    if (match(CUT_ESCAPE)) return flawAt(text, at, 'the rest of an escape and a closing double quote', true);
    if (text[at] === '\\') return flawAt(text, at, 'a valid escape: one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX', false);
    return flawAt(text, at, 'a closing double quote (line breaks and control characters must be escaped)', false);
  }
}

function flawAt(text: string, offset: number, expected: string, cut: boolean): JsonFlaw {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1, expected, cut, empty: text.trim() === '' };
}

/** Which changes of a column leave its values as they were. */
import { charsetName, widestCharacter } from './charsets.ts';
import { type ColumnLayout, type ParsedType, parseColumnType } from './column-layout.ts';

/**
 * The server would have refused the statement if a value had not fitted (`sql_mode` STRICT_…): then numbers are as they were, though
 * digits behind the point may have been rounded, and blanks at the end of a text cut.
 */
export type Strictness = 'strict' | 'lenient';

const INTEGER_BITS: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 };
/** Bits and decimal digits that every number of so many has in a float or double. */
const FLOAT_BITS = 24;
const DOUBLE_BITS = 53;
const DOUBLE_DIGITS = 15;
/** Bytes of TEXT and BLOB, by what stands in front of it. */
const LENGTHS: Readonly<Record<string, number>> = { tiny: 0xff, '': 0xffff, medium: 0xff_ffff, long: 0xffff_ffff };
const LONG = /^(tiny||medium|long)(text|blob)$/;
const JSON_BYTES = 0xffff_ffff;
const DEFAULT_PRECISION = 10;
const UNICODE = new Set(['utf8mb4', 'utf16', 'utf16le', 'utf32', 'gb18030']);
const BASIC_UNICODE = new Set(['utf8mb3', 'ucs2']);

/** Whether all values of the column are, and are printed, as they were before it was altered. When in doubt: no. */
export function keepsValues(before: ColumnLayout, after: ColumnLayout, strictness: Strictness): boolean {
  if (before.generated !== after.generated) {
    // Only a stored column can become one like others, and keeps its values then.
    if (before.generated !== 'stored' || after.generated !== '') return false;
  } else if (before.generated !== '' && !sameExpression(before, after)) return false;
  if (before.nullable && !after.nullable && strictness === 'lenient') return false;
  if (before.columnType === after.columnType && before.charset === after.charset) return true;
  return keepsType(
    { ...parseColumnType(before.columnType), charset: before.charset },
    { ...parseColumnType(after.columnType), charset: after.charset },
    strictness,
  );
}

/** Of statements the expression is not kept: what it became is seen when the table is next looked at. */
const sameExpression = (before: ColumnLayout, after: ColumnLayout): boolean =>
  before.expression === undefined || after.expression === undefined || before.expression === after.expression;

interface Type extends ParsedType {
  readonly charset: string | null;
}

function keepsType(before: Type, after: Type, strictness: Strictness): boolean {
  if (isExact(before)) return (isExact(after) || isFloat(after)) && keepsNumber(before, after, strictness);
  switch (before.base) {
    case 'float':
    case 'double':
      return (
        after.base === before.base && keepsSign(before, after, strictness) && (sameArgs(before, after) || after.args.length === 0)
      );
    case 'datetime':
    case 'timestamp':
      return after.base === before.base && (after.args[0] ?? 0) >= (before.args[0] ?? 0);
    case 'enum':
      return after.base === 'enum' ? keepsEnum(before, after, strictness) : keepsText(before, after);
    case 'set':
      return after.base === 'set' ? keepsSet(before, after, strictness) : keepsText(before, after);
    case 'vector':
      return after.base === 'vector' && (after.args[0] ?? 0) >= (before.args[0] ?? 0);
    case 'json':
      return after.base === 'json' || (after.base === 'longtext' && (before.charset === null || keepsCharset(before, after)));
    default:
      if (isText(before)) return keepsText(before, after);
      if (isBytes(before)) return keepsBytes(before, after);
      // A shape is still itself in a column for any shape.
      return (after.base === before.base && sameArgs(before, after)) || (after.base === 'geometry' && SHAPES.has(before.base));
  }
}

const SHAPES = new Set(
  'point linestring polygon multipoint multilinestring multipolygon geomcollection geometrycollection'.split(' '),
);

const sameArgs = (before: ParsedType, after: ParsedType): boolean => before.args.join() === after.args.join();

const isExact = ({ base }: ParsedType): boolean => base in INTEGER_BITS || base === 'decimal' || base === 'year';
const isFloat = ({ base }: ParsedType): boolean => base === 'float' || base === 'double';

const keepsSign = (before: ParsedType, after: ParsedType, strictness: Strictness): boolean =>
  before.unsigned || !after.unsigned || strictness === 'strict';

function keepsNumber(before: Type, after: Type, strictness: Strictness): boolean {
  const scaleBefore = before.base === 'decimal' ? (before.args[1] ?? 0) : 0;
  if (isFloat(after)) {
    if (after.args.length > 0 || !keepsSign(before, after, strictness)) return false;
    const bits = after.base === 'float' ? FLOAT_BITS : DOUBLE_BITS;
    if (before.base !== 'decimal') return bitsOf(before) <= bits;
    return after.base === 'double' && (before.args[0] ?? DEFAULT_PRECISION) <= DOUBLE_DIGITS;
  }
  const scaleAfter = after.base === 'decimal' ? (after.args[1] ?? 0) : 0;
  if (scaleAfter < scaleBefore) return false;
  if (strictness === 'strict') return true;
  const [least, most] = rangeOf(before);
  const [leastAfter, mostAfter] = rangeOf(after);
  return least >= leastAfter && most <= mostAfter;
}

const bitsOf = ({ base }: ParsedType): number => (base === 'year' ? 12 : (INTEGER_BITS[base] ?? 0));

/** Of the digits in front of the point. */
function rangeOf({ base, args, unsigned }: ParsedType): readonly [least: bigint, most: bigint] {
  if (base === 'year') return [0n, 2155n];
  if (base === 'decimal') {
    const most = 10n ** BigInt((args[0] ?? DEFAULT_PRECISION) - (args[1] ?? 0)) - 1n;
    return [unsigned ? 0n : -most, most];
  }
  const size = 1n << BigInt(INTEGER_BITS[base] ?? 0);
  return unsigned ? [0n, size - 1n] : [-size / 2n, size / 2n - 1n];
}

/** All labels are still there, so that each value is found by its own. */
function keepsEnum(before: Type, after: Type, strictness: Strictness): boolean {
  if (!keepsCharset(before, after)) return false;
  if (before.labels.every(label => after.labels.includes(label))) return true;
  return strictness === 'strict' && hasOnlyLost(before, after);
}

/** Where labels were only taken away, none of the values had one. A new one may be equal to an old one by the collation, and take its place. */
const hasOnlyLost = (before: Type, after: Type): boolean => after.labels.every(label => before.labels.includes(label));

/** The labels stand in a value in the order of the definition. */
function keepsSet(before: Type, after: Type, strictness: Strictness): boolean {
  if (!keepsCharset(before, after)) return false;
  const kept = before.labels.filter(label => after.labels.includes(label));
  const places = kept.map(label => after.labels.indexOf(label));
  if (places.some((place, at) => at > 0 && place < (places[at - 1] ?? 0))) return false;
  return kept.length === before.labels.length || (strictness === 'strict' && hasOnlyLost(before, after));
}

const isText = ({ base }: ParsedType): boolean => base === 'char' || base === 'varchar' || base.endsWith('text');
const isBytes = ({ base }: ParsedType): boolean => base === 'binary' || base === 'varbinary' || base.endsWith('blob');

function keepsText(before: Type, after: Type): boolean {
  if (after.base === 'json' && before.base === 'longtext') return after.charset !== null && keepsCharset(before, after);
  if (!isText(after) || !keepsCharset(before, after)) return false;
  const characters = charactersOf(before);
  const [length = 0] = after.args;
  // Blanks at the end of a CHAR are not part of its value.
  if (after.base === 'char') return before.base === 'char' && length >= (before.args[0] ?? 0);
  if (after.base === 'varchar') return characters !== null && length >= characters;
  const room = roomOf(after);
  if (characters !== null) return room >= characters * widestCharacter(charsetOf(after));
  return room > roomOf(before) || (room === roomOf(before) && charsetOf(before) === charsetOf(after));
}

/** The most characters of a value; null where bytes are counted. */
function charactersOf({ base, args, labels }: Type): number | null {
  if (base === 'char' || base === 'varchar') return args[0] ?? 0;
  if (base === 'enum') return Math.max(...labels.map(label => label.length));
  return base === 'set' ? labels.join().length : null;
}

function keepsBytes(before: Type, after: Type): boolean {
  if (!isBytes(after)) return false;
  // It is filled up with zero bytes, which are part of the value.
  if (after.base === 'binary') return before.base === 'binary' && sameArgs(before, after);
  return roomOf(after) >= roomOf(before);
}

/** Bytes. */
function roomOf({ base, args }: Type): number {
  if (base === 'json') return JSON_BYTES;
  const [, length] = LONG.exec(base) ?? [];
  return length === undefined ? (args[0] ?? 0) : (LENGTHS[length] ?? 0);
}

const charsetOf = ({ charset }: Type): string => (charset === null ? 'binary' : (charsetName(charset) ?? charset));

/** Whether every character of the one set is in the other. */
function keepsCharset(before: Type, after: Type): boolean {
  const from = charsetOf(before);
  const to = charsetOf(after);
  if (from === to) return true;
  if (from === 'binary' || to === 'binary') return false;
  return UNICODE.has(to) || (BASIC_UNICODE.has(to) && !UNICODE.has(from)) || (from === 'ascii' && to !== 'swe7');
}

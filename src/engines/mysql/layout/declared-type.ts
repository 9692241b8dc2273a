import { charsetName } from './charsets.ts';
import type { ParsedType } from './column-layout.ts';
import type { SqlDialect, SqlTokens } from './sql-tokens.ts';
import { hasMode, UnclearStatement } from './sql-tokens.ts';

/** A type as a statement spells it, in the words of information_schema. TEXT and BLOB still have the length they were given. */
export interface DeclaredType extends ParsedType {
  /** Has a character set. */
  readonly text: boolean;
  readonly charset: string | null;
  /** The attribute BINARY: the collation that compares code points. */
  readonly binary: boolean;
  /** MariaDB: COMPRESSED. */
  readonly compressed: boolean;
  /** MariaDB's JSON: utf8mb4 in this collation, whatever the table says. */
  readonly fixedCollation: string | null;
}

const MODE_REAL_AS_FLOAT = 0x1;
/** MariaDB, where types have other meanings: VARCHAR2, NUMBER, DATE with a time. */
const MODE_ORACLE = 0x200;
/** From here on MySQL prints no display widths but that of tinyint(1) and zerofill. */
const MYSQL_WITHOUT_WIDTHS = 80_019;
const FLOAT_DIGITS = 24;

const INTEGERS: Readonly<Record<string, string>> = {
  TINYINT: 'tinyint',
  INT1: 'tinyint',
  SMALLINT: 'smallint',
  INT2: 'smallint',
  MEDIUMINT: 'mediumint',
  MIDDLEINT: 'mediumint',
  INT3: 'mediumint',
  INT: 'int',
  INTEGER: 'int',
  INT4: 'int',
  BIGINT: 'bigint',
  INT8: 'bigint',
};
/** Display width of each integer, signed and unsigned. */
const WIDTHS: Readonly<Record<string, readonly [number, number]>> = {
  tinyint: [4, 3],
  smallint: [6, 5],
  mediumint: [9, 8],
  int: [11, 10],
  bigint: [20, 20],
};
const DECIMALS = new Set(['DECIMAL', 'NUMERIC', 'DEC', 'FIXED']);
const DOUBLES = new Set(['DOUBLE', 'FLOAT8', 'REAL']);
const FLOATS = new Set(['FLOAT', 'FLOAT4']);
const FRACTIONAL = new Set(['TIME', 'TIMESTAMP', 'DATETIME']);
const BLOBS = new Set(['TINYBLOB', 'BLOB', 'MEDIUMBLOB', 'LONGBLOB']);
const TEXTS = new Set(['TINYTEXT', 'TEXT', 'MEDIUMTEXT', 'LONGTEXT']);
const SPATIAL = new Set(['GEOMETRY', 'POINT', 'LINESTRING', 'POLYGON', 'MULTIPOINT', 'MULTILINESTRING', 'MULTIPOLYGON']);
const MARIADB = new Set(['UUID', 'INET4', 'INET6']);
const VARYING = new Set(['VARYING', 'VARCHAR', 'VARCHARACTER']);
const NATIONAL_CHARSET = 'utf8mb3';
const VECTOR_DIMENSIONS = 2048;

const PLAIN = {
  args: [],
  labels: [],
  unsigned: false,
  zerofill: false,
  text: false,
  charset: null,
  binary: false,
  compressed: false,
  fixedCollation: null,
} as const satisfies Omit<DeclaredType, 'base'>;

/** Reads a type with what belongs to it (sign, character set), and leaves the other attributes. */
export function declaredType(tokens: SqlTokens, dialect: SqlDialect, sqlMode: number): DeclaredType {
  const { flavor } = dialect;
  if (flavor === 'mariadb' && hasMode(sqlMode, MODE_ORACLE)) throw new UnclearStatement('it was written in sql_mode ORACLE');
  const { keyword: word } = tokens.next();
  const integer = INTEGERS[word];
  if (integer !== undefined) return integerType(integer, numbers(tokens), signs(tokens), dialect);
  if (word === 'BOOL' || word === 'BOOLEAN') return { ...PLAIN, base: 'tinyint', args: [1] };
  if (word === 'SERIAL') return integerType('bigint', [], { unsigned: true, zerofill: false }, dialect);
  if (DECIMALS.has(word)) return decimalType(numbers(tokens), signs(tokens));
  if (FLOATS.has(word) || (word === 'REAL' && hasMode(sqlMode, MODE_REAL_AS_FLOAT)))
    return floatType(numbers(tokens), signs(tokens));
  if (DOUBLES.has(word)) {
    tokens.take('PRECISION');
    return { ...PLAIN, base: 'double', args: numbers(tokens), ...signs(tokens) };
  }
  if (word === 'BIT') return { ...PLAIN, base: 'bit', args: [numbers(tokens)[0] || 1] };
  if (word === 'YEAR') return yearType(numbers(tokens), dialect, signs(tokens));
  if (word === 'DATE') return { ...PLAIN, base: 'date' };
  if (FRACTIONAL.has(word)) {
    const [digits = 0] = numbers(tokens);
    return { ...PLAIN, base: word.toLowerCase(), args: digits === 0 ? [] : [digits] };
  }
  if (word === 'BINARY') return { ...PLAIN, base: 'binary', args: [numbers(tokens)[0] ?? 1] };
  if (word === 'VARBINARY') return compressible(tokens, { ...PLAIN, base: 'varbinary', args: numbers(tokens) });
  if (BLOBS.has(word)) return compressible(tokens, { ...PLAIN, base: word.toLowerCase(), args: numbers(tokens) });
  if (TEXTS.has(word)) return textAttributes(tokens, { ...PLAIN, base: word.toLowerCase(), args: numbers(tokens), text: true });
  if (word === 'ENUM' || word === 'SET') {
    return textAttributes(tokens, { ...PLAIN, base: word.toLowerCase(), labels: labels(tokens), text: true });
  }
  if (word === 'JSON') {
    if (flavor === 'mysql') return { ...PLAIN, base: 'json' };
    return textAttributes(tokens, { ...PLAIN, base: 'longtext', text: true, fixedCollation: 'utf8mb4_bin' });
  }
  if (SPATIAL.has(word)) return { ...PLAIN, base: word.toLowerCase() };
  if (word === 'GEOMETRYCOLLECTION' || word === 'GEOMCOLLECTION') {
    return { ...PLAIN, base: flavor === 'mysql' ? 'geomcollection' : 'geometrycollection' };
  }
  if (word === 'VECTOR') return { ...PLAIN, base: 'vector', args: [numbers(tokens)[0] ?? VECTOR_DIMENSIONS] };
  if (flavor === 'mariadb' && MARIADB.has(word)) return { ...PLAIN, base: word.toLowerCase() };
  return characterType(tokens, word);
}

function characterType(tokens: SqlTokens, word: string): DeclaredType {
  const national = word === 'NATIONAL' || word === 'NCHAR' || word === 'NVARCHAR';
  let kind = word;
  if (word === 'NATIONAL') kind = tokens.next().keyword;
  else if (word === 'LONG') {
    if (tokens.take('VARBINARY')) return { ...PLAIN, base: 'mediumblob' };
    for (const spelling of [['VARCHAR'], ['VARCHARACTER'], ['CHAR', 'VARYING'], ['CHARACTER', 'VARYING']]) {
      if (tokens.take(...spelling)) break;
    }
    return textAttributes(tokens, { ...PLAIN, base: 'mediumtext', text: true });
  }
  const fixed = kind === 'CHAR' || kind === 'CHARACTER' || kind === 'NCHAR';
  const varying = kind === 'VARCHAR' || kind === 'VARCHARACTER' || kind === 'NVARCHAR';
  if (!fixed && !varying) throw new UnclearStatement(`the type ${kind === '' ? word : kind} is not known`);
  const grows = varying || tokens.seesOneOf(VARYING);
  if (fixed && grows) tokens.next();
  const base = grows ? 'varchar' : 'char';
  const charset = national ? NATIONAL_CHARSET : null;
  const args = numbers(tokens);
  if (grows && args.length === 0) throw tokens.unclear('a length');
  return textAttributes(tokens, { ...PLAIN, base, args: args.length === 0 ? [1] : args, text: true, charset });
}

/** Character set, BINARY and COMPRESSED, in any order. */
function textAttributes(tokens: SqlTokens, type: DeclaredType): DeclaredType {
  let { charset, binary, compressed } = type;
  for (;;) {
    if (tokens.take('CHARACTER', 'SET') || tokens.take('CHAR', 'SET') || tokens.take('CHARSET')) {
      charset = knownCharset(tokens.takeString() ?? tokens.identifier());
    } else if (tokens.take('ASCII')) charset = 'latin1';
    else if (tokens.take('UNICODE')) charset = 'ucs2';
    else if (tokens.take('BYTE')) charset = 'binary';
    else if (tokens.take('BINARY')) binary = true;
    else if (tokens.take('COMPRESSED')) {
      if (tokens.takeMark('=')) tokens.next();
      compressed = true;
    } else return { ...type, charset, binary, compressed };
  }
}

const compressible = (tokens: SqlTokens, type: DeclaredType): DeclaredType => textAttributes(tokens, type);

interface Signs {
  readonly unsigned: boolean;
  readonly zerofill: boolean;
}

function signs(tokens: SqlTokens): Signs {
  let unsigned = false;
  let zerofill = false;
  for (;;) {
    if (tokens.take('UNSIGNED')) unsigned = true;
    else if (tokens.take('ZEROFILL')) zerofill = true;
    else if (!tokens.take('SIGNED')) return { unsigned: unsigned || zerofill, zerofill };
  }
}

/** `(1)`, `(1,2)`, or nothing. */
function numbers(tokens: SqlTokens): readonly number[] {
  if (!tokens.takeMark('(')) return [];
  const found: number[] = [];
  do {
    const { text } = tokens.next();
    if (!/^[0-9]+$/.test(text)) throw new UnclearStatement(`a number was expected at "${text}"`);
    found.push(Number(text));
  } while (tokens.takeMark(','));
  tokens.expectMark(')');
  return found;
}

function labels(tokens: SqlTokens): readonly string[] {
  tokens.expectMark('(');
  const found: string[] = [];
  do {
    const label = tokens.takeString();
    if (label === null) throw tokens.unclear('a label in quotes');
    found.push(label);
  } while (tokens.takeMark(','));
  tokens.expectMark(')');
  return found;
}

function integerType(base: string, [width]: readonly number[], sign: Signs, { flavor, version }: SqlDialect): DeclaredType {
  const usual = WIDTHS[base]?.[sign.unsigned ? 1 : 0] ?? 0;
  const printed =
    flavor === 'mariadb' ||
    version < MYSQL_WITHOUT_WIDTHS ||
    sign.zerofill ||
    (width === 1 && base === 'tinyint' && !sign.unsigned);
  return { ...PLAIN, base, args: printed ? [width === undefined || width === 0 ? usual : width] : [], ...sign };
}

function decimalType([precision = 0, scale = 0]: readonly number[], sign: Signs): DeclaredType {
  return { ...PLAIN, base: 'decimal', args: [precision === 0 ? Math.max(10, scale) : precision, scale], ...sign };
}

function floatType(args: readonly number[], sign: Signs): DeclaredType {
  if (args.length === 2) return { ...PLAIN, base: 'float', args, ...sign };
  return { ...PLAIN, base: (args[0] ?? 0) > FLOAT_DIGITS ? 'double' : 'float', ...sign };
}

function yearType([digits]: readonly number[], { flavor, version }: SqlDialect, _meaningless: Signs): DeclaredType {
  if (flavor === 'mysql') return { ...PLAIN, base: 'year', args: version < MYSQL_WITHOUT_WIDTHS ? [4] : [] };
  return { ...PLAIN, base: 'year', args: [digits === 2 ? 2 : 4] };
}

/** The character set of an attribute or option, under the one name that it has here. */
export function knownCharset(name: string): string {
  const known = charsetName(name);
  if (known === null) throw new UnclearStatement(`the character set ${name} is not known`);
  return known;
}

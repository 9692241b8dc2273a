import { binaryCollation, charsetOfCollation, defaultCollation, widestCharacter } from './charsets.ts';
import type { ColumnLayout, ParsedType } from './column-layout.ts';
import { formatColumnType } from './column-layout.ts';
import type { DeclaredType } from './declared-type.ts';
import { declaredType } from './declared-type.ts';
import type { SqlDialect, SqlTokens } from './sql-tokens.ts';
import { UnclearStatement } from './sql-tokens.ts';

/** A column as a statement declares it, before the defaults of its table are known. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: DeclaredType;
  readonly collation: string | null;
  /** Null: the statement does not say. */
  readonly nullable: boolean | null;
  readonly primaryKey: boolean;
  readonly unique: boolean;
  readonly generated: ColumnLayout['generated'];
}

/** What a column without a character set of its own gets. */
export interface TextDefaults {
  readonly charset: string;
  readonly collation: string | null;
}

/** The words with which an attribute begins: a DEFAULT without parentheses ends in front of them. */
const ATTRIBUTES = new Set(
  `NOT NULL UNIQUE PRIMARY KEY COMMENT COLLATE AUTO_INCREMENT ON CHECK CONSTRAINT REFERENCES INVISIBLE VISIBLE GENERATED AS
  VIRTUAL STORED PERSISTENT FIRST AFTER WITHOUT WITH COLUMN_FORMAT STORAGE SRID REF_SYSTEM_ID ENGINE_ATTRIBUTE
  SECONDARY_ENGINE_ATTRIBUTE ENFORCED SERIAL DEFAULT COMPRESSED`.split(/\s+/),
);
const ONE_VALUE = new Set([
  'COMMENT',
  'COLUMN_FORMAT',
  'STORAGE',
  'SRID',
  'ENGINE_ATTRIBUTE',
  'SECONDARY_ENGINE_ATTRIBUTE',
  'REF_SYSTEM_ID',
]);
const FLAGS = new Set(['INVISIBLE', 'VISIBLE', 'ENFORCED']);

/** Reads type and attributes of the column `name`, up to FIRST, AFTER, a comma, a closing parenthesis or the end. */
export function columnDefinition(tokens: SqlTokens, name: string, dialect: SqlDialect, sqlMode: number): ColumnDefinition {
  const serial = tokens.sees('SERIAL');
  const type = declaredType(tokens, dialect, sqlMode);
  let collation: string | null = null;
  let nullable: boolean | null = serial ? false : null;
  let primaryKey = false;
  let unique = serial;
  let generated: ColumnLayout['generated'] = '';
  let compressed = type.compressed;
  while (!tokens.atEnd && !tokens.seesMark(',') && !tokens.seesMark(')') && !tokens.sees('FIRST') && !tokens.sees('AFTER')) {
    if (tokens.take('NOT', 'NULL')) nullable = false;
    else if (tokens.take('NULL')) nullable = true;
    else if (tokens.take('PRIMARY')) {
      tokens.take('KEY');
      primaryKey = true;
    } else if (tokens.take('UNIQUE')) {
      tokens.take('KEY');
      unique = true;
    } else if (tokens.take('KEY')) primaryKey = true;
    else if (tokens.take('SERIAL', 'DEFAULT', 'VALUE')) {
      nullable = false;
      unique = true;
    } else if (tokens.take('AUTO_INCREMENT')) nullable = false;
    else if (tokens.take('COLLATE')) collation = collationName(tokens);
    else if (tokens.take('GENERATED', 'ALWAYS', 'AS') || tokens.take('AS')) generated = generation(tokens);
    else if (tokens.take('COMPRESSED')) {
      if (tokens.takeMark('=')) tokens.next();
      compressed = true;
    } else if (!skipAttribute(tokens)) throw new UnclearStatement(`column ${name}: ${tokens.unclear('an attribute').message}`);
  }
  return { name, type: { ...type, compressed }, collation, nullable, primaryKey, unique, generated };
}

/** A collation in an attribute or option: a name, in quotes or not. */
export function collationName(tokens: SqlTokens): string {
  return (tokens.takeString() ?? tokens.identifier()).toLowerCase();
}

function generation(tokens: SqlTokens): ColumnLayout['generated'] {
  // `AS ROW START` is of MariaDB's system versioning, `AS IDENTITY` of Oracle mode: their columns are made by other rules.
  if (!tokens.seesMark('(')) throw new UnclearStatement('a generated column without an expression');
  tokens.skipParentheses();
  if (tokens.take('STORED') || tokens.take('PERSISTENT')) return 'stored';
  tokens.take('VIRTUAL');
  return 'virtual';
}

/** Skips an attribute that says nothing about values. False: it is none. */
function skipAttribute(tokens: SqlTokens): boolean {
  if (tokens.take('DEFAULT')) {
    tokens.skipOne();
    while (!tokens.atEnd && !tokens.seesMark(',') && !tokens.seesMark(')') && !tokens.seesOneOf(ATTRIBUTES)) tokens.skipOne();
    return true;
  }
  if (tokens.take('ON', 'UPDATE')) {
    tokens.next();
    if (tokens.seesMark('(')) tokens.skipParentheses();
    return true;
  }
  if (tokens.take('CHECK')) {
    tokens.skipParentheses();
    tokens.take('NOT');
    tokens.take('ENFORCED');
    return true;
  }
  if (tokens.take('CONSTRAINT')) {
    if (!tokens.sees('CHECK')) tokens.identifier();
    return tokens.sees('CHECK');
  }
  if (tokens.take('REFERENCES')) return skipReference(tokens);
  if (tokens.take('WITHOUT', 'SYSTEM', 'VERSIONING')) return true;
  // It is enough for the whole table.
  if (tokens.sees('WITH', 'SYSTEM', 'VERSIONING')) throw new UnclearStatement('tables with system versioning are not followed');
  if (tokens.seesOneOf(FLAGS)) {
    tokens.next();
    return true;
  }
  if (tokens.seesOneOf(ONE_VALUE)) {
    tokens.next();
    tokens.takeMark('=');
    tokens.next();
    return true;
  }
  // An option of MariaDB's engines: name = value.
  const equals = tokens.peek(1);
  if (equals.kind !== 'mark' || equals.text !== '=') return false;
  tokens.identifier();
  tokens.next();
  tokens.next();
  return true;
}

function skipReference(tokens: SqlTokens): boolean {
  tokens.tableName('');
  if (tokens.seesMark('(')) tokens.skipParentheses();
  if (tokens.take('MATCH')) tokens.next();
  while (tokens.take('ON', 'DELETE') || tokens.take('ON', 'UPDATE')) {
    if (!tokens.take('SET', 'NULL') && !tokens.take('SET', 'DEFAULT') && !tokens.take('NO', 'ACTION')) tokens.next();
  }
  return true;
}

const BINARY_TYPES: Readonly<Record<string, string>> = {
  char: 'binary',
  varchar: 'varbinary',
  tinytext: 'tinyblob',
  text: 'blob',
  mediumtext: 'mediumblob',
  longtext: 'longblob',
};
const MAX_VARCHAR_BYTES = 65_535;

/** The smallest of the four lengths of TEXT or BLOB that holds so many bytes (`get_blob_type_from_length`). */
export function textOfLength(kind: 'text' | 'blob', bytes: number): string {
  if (bytes < 0x100) return `tiny${kind}`;
  if (bytes < 0x1_0000) return kind;
  return bytes < 0x100_0000 ? `medium${kind}` : `long${kind}`;
}

/** The column that the server makes of a definition. */
export function resolveColumn(
  { name, type, collation, nullable, primaryKey, generated }: ColumnDefinition,
  defaults: TextDefaults,
  timestampsNullable: boolean,
): ColumnLayout {
  const settled = { name, nullable: nullable ?? (!primaryKey && (timestampsNullable || type.base !== 'timestamp')), generated };
  const compressed = type.compressed ? { compressed: true } : {};
  const print = (parsed: ParsedType): string => formatColumnType(parsed) + (type.compressed ? ' /*M!100301 COMPRESSED*/' : '');
  if (!type.text) return { ...settled, columnType: print(plainType(type)), charset: null, collation: null, ...compressed };
  const chosen = chooseCharset(type, collation, defaults);
  if (chosen.charset === '') throw new UnclearStatement('the character set of its database is not known');
  const columnType = print(textType(type, chosen.charset));
  if (chosen.charset === 'binary') return { ...settled, columnType, charset: null, collation: null, ...compressed };
  return { ...settled, columnType, ...chosen, ...compressed };
}

function plainType(type: DeclaredType): ParsedType {
  if (type.base === 'blob' && (type.args[0] ?? 0) > 0)
    return { ...type, base: textOfLength('blob', type.args[0] ?? 0), args: [] };
  return type.base === 'blob' ? { ...type, args: [] } : type;
}

function textType(type: DeclaredType, charset: string): ParsedType {
  const [length = 0] = type.args;
  let base = type.base;
  let args = type.args;
  if (base === 'text') {
    if (length > 0) base = textOfLength('text', length * widestCharacter(charset));
    args = [];
  }
  if (base === 'varchar' && length * widestCharacter(charset) > MAX_VARCHAR_BYTES) {
    throw new UnclearStatement('a varchar that is too long becomes a text of some length');
  }
  if (charset === 'binary') base = BINARY_TYPES[base] ?? base;
  // The blanks at the end of a label go, unless they are bytes like others.
  const labels = charset === 'binary' ? type.labels : type.labels.map(label => label.replace(/ +$/, ''));
  return { ...type, base, args, labels };
}

function chooseCharset(
  type: DeclaredType,
  collation: string | null,
  defaults: TextDefaults,
): { charset: string; collation: string | null } {
  if (type.fixedCollation !== null) return { charset: 'utf8mb4', collation: type.fixedCollation };
  const named = collation === 'default' ? null : collation;
  if (type.charset !== null) {
    const { charset } = type;
    return { charset, collation: named ?? (type.binary ? binaryCollation(charset) : defaultCollation(charset)) };
  }
  // `uca1400_ai_ci` and its kin belong to any character set.
  if (named !== null) return { charset: charsetOfCollation(named) ?? defaults.charset, collation: named };
  if (type.binary) return { charset: defaults.charset, collation: binaryCollation(defaults.charset) };
  return { charset: defaults.charset, collation: defaults.collation };
}

import { CopyRow } from '../../src/engines/postgres/wire/copy-row.ts';
import {
  BEGIN,
  BEGIN_PREPARE,
  COMMIT,
  COMMIT_PREPARED,
  DELETE,
  INSERT,
  MESSAGE,
  OLD_FULL,
  OLD_NONE,
  ORIGIN,
  PgoutputDecoder,
  PREPARE,
  RELATION,
  ROLLBACK_PREPARED,
  TRUNCATE,
  TYPE,
  UPDATE,
} from '../../src/engines/postgres/wire/pgoutput.ts';
import type { Relation } from '../../src/engines/postgres/wire/relation.ts';
import { COLUMN_BINARY, COLUMN_NULL, COLUMN_TEXT, COLUMN_UNCHANGED, type Tuple } from '../../src/engines/postgres/wire/tuple.ts';

type Value = string | null | { readonly unchanged: true } | { readonly binary: string };
export type Dumped = { readonly message: string } & Readonly<Record<string, unknown>>;

const NAMES: Readonly<Record<number, string>> = {
  [BEGIN]: 'begin',
  [COMMIT]: 'commit',
  [ORIGIN]: 'origin',
  [RELATION]: 'relation',
  [TYPE]: 'type',
  [INSERT]: 'insert',
  [UPDATE]: 'update',
  [DELETE]: 'delete',
  [TRUNCATE]: 'truncate',
  [MESSAGE]: 'message',
  [BEGIN_PREPARE]: 'begin_prepare',
  [PREPARE]: 'prepare',
  [COMMIT_PREPARED]: 'commit_prepared',
  [ROLLBACK_PREPARED]: 'rollback_prepared',
};

const label = (relation: Relation | null): string => `${relation?.namespace}.${relation?.name}`;

const value = (bytes: Buffer, tuple: Tuple, column: number): Value => {
  const [start, end] = [tuple.starts[column] ?? -1, tuple.ends[column] ?? -1];
  if (start < 0 || end < start || end > bytes.length) throw new Error(`column ${column} lies outside of the message`);
  switch (tuple.kinds[column]) {
    case COLUMN_NULL:
      return null;
    case COLUMN_UNCHANGED:
      return { unchanged: true };
    case COLUMN_BINARY:
      return { binary: bytes.toString('hex', start, end) };
    case COLUMN_TEXT:
      return bytes.toString('utf8', start, end);
    default:
      throw new Error(`column ${column} has kind ${tuple.kinds[column]}`);
  }
};

const row = (bytes: Buffer, tuple: Tuple, relation: Relation | null): Record<string, Value> => {
  if (tuple.count !== relation?.columns.length) throw new Error('the tuple does not have the columns of its relation');
  return Object.fromEntries(relation.columns.map(({ name }, column) => [name, value(bytes, tuple, column)]));
};

/** One message as plain data, everything that the decoder says about it. */
export const dumpMessage = (decoder: PgoutputDecoder, bytes: Buffer): Dumped => {
  const d = decoder;
  const kind = d.read(bytes, 0, bytes.length);
  const message = NAMES[kind] ?? `kind ${kind}`;
  const old = (): object =>
    d.oldKind === OLD_NONE ? {} : { [d.oldKind === OLD_FULL ? 'old' : 'key']: row(bytes, d.oldTuple, d.relation) };
  switch (kind) {
    case BEGIN:
      return { message, finalLsn: d.finalLsn, commitMicros: d.commitMicros, xid: d.xid };
    case COMMIT:
      return { message, commitLsn: d.commitLsn, endLsn: d.endLsn, commitMicros: d.commitMicros };
    case ORIGIN:
      return { message, lsn: d.originLsn, name: d.originName };
    case RELATION:
      return { message, ...d.relation };
    case TYPE:
      return { message, oid: d.typeOid, namespace: d.typeNamespace, name: d.typeName };
    case INSERT:
      return { message, relation: label(d.relation), new: row(bytes, d.newTuple, d.relation) };
    case UPDATE:
      return { message, relation: label(d.relation), ...old(), new: row(bytes, d.newTuple, d.relation) };
    case DELETE:
      return { message, relation: label(d.relation), ...old() };
    case TRUNCATE:
      return { message, relations: d.truncated.map(label), options: d.truncateOptions };
    case MESSAGE: {
      const content = bytes.toString('utf8', d.messageStart, d.messageEnd);
      return { message, transactional: d.messageTransactional, lsn: d.messageLsn, prefix: d.messagePrefix, content };
    }
    default:
      return { message, commitLsn: d.commitLsn, endLsn: d.endLsn, commitMicros: d.commitMicros, xid: d.xid, gid: d.gid };
  }
};

export const dumpLog = (messages: readonly Buffer[]): Dumped[] => {
  const decoder = new PgoutputDecoder();
  return messages.map(bytes => dumpMessage(decoder, bytes));
};

/** Rows of COPY as arrays of text. The decoder unescapes in place, so it gets copies. */
export const dumpRows = (columns: number, rows: readonly Buffer[]): (string | null)[][] => {
  const copy = new CopyRow(columns);
  return rows.map(original => {
    const bytes = Buffer.from(original);
    copy.split(bytes, 0, bytes.length);
    return Array.from({ length: columns }, (_, column) => {
      const start = copy.starts[column] ?? -1;
      return start === -1 ? null : bytes.toString('utf8', start, copy.ends[column]);
    });
  });
};

export const toLines = (values: readonly unknown[]): string => values.map(each => `${JSON.stringify(each)}\n`).join('');

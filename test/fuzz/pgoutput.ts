import { ConnectorError } from '../../src/contract/errors.ts';
import { OLD_NONE, PgoutputDecoder } from '../../src/engines/postgres/wire/pgoutput.ts';
import type { Tuple } from '../../src/engines/postgres/wire/tuple.ts';
import { mutate } from './mutate.ts';
import { type Announced, type Flat, readReference } from './pgoutput-reference.ts';
import type { Random } from './random.ts';

/** A message, and the Relation messages that hold when it comes. */
interface Entry {
  readonly bytes: Buffer;
  readonly relations: readonly Buffer[];
}

const RELATION = 'R'.charCodeAt(0);
const MARGIN = 16;
/** A decoder for another set of relations is costly to make. */
const RUNS_PER_MESSAGE = 16;

/** Messages of recorded sessions, each with the relations that its session had announced before it. */
export const corpusOf = (sessions: readonly (readonly Buffer[])[]): Entry[] => {
  const entries: Entry[] = [];
  for (const session of sessions) {
    let relations: readonly Buffer[] = [];
    for (const bytes of session) {
      entries.push({ bytes, relations });
      if (bytes[0] === RELATION) relations = [...relations, bytes];
    }
  }
  return entries;
};

const flatTuple = (tuple: Tuple, offset: number): Flat => {
  const flat: Flat = [tuple.count];
  for (let i = 0; i < tuple.count; i++) {
    flat.push(String.fromCharCode(tuple.kinds[i] ?? 0), (tuple.starts[i] ?? 0) - offset, (tuple.ends[i] ?? 0) - offset);
  }
  return flat;
};

/** What the decoder read, in the order of the reference; offsets relative to the message. */
export const flatten = (d: PgoutputDecoder, offset: number): Flat => {
  const kind = String.fromCharCode(d.kind);
  const relation = d.relation?.id ?? -1;
  switch (kind) {
    case 'B':
      return [kind, d.finalLsn, d.commitMicros, d.xid];
    case 'C':
      return [kind, 0, d.commitLsn, d.endLsn, d.commitMicros];
    case 'O':
      return [kind, d.originLsn, d.originName];
    case 'R': {
      const columns = d.relation?.columns ?? [];
      const flat = columns.flatMap(column => [column.isKey ? 1 : 0, column.name, column.typeOid, column.typmod]);
      return [kind, relation, d.relation?.namespace ?? '', d.relation?.name ?? '', d.relation?.replicaIdentity ?? '', ...flat];
    }
    case 'Y':
      return [kind, d.typeOid, d.typeNamespace, d.typeName];
    case 'I':
      return [kind, relation, 'N', ...flatTuple(d.newTuple, offset)];
    case 'U': {
      const old = d.oldKind === OLD_NONE ? [] : [String.fromCharCode(d.oldKind), ...flatTuple(d.oldTuple, offset)];
      return [kind, relation, ...old, 'N', ...flatTuple(d.newTuple, offset)];
    }
    case 'D':
      return [kind, relation, String.fromCharCode(d.oldKind), ...flatTuple(d.oldTuple, offset)];
    case 'T':
      return [kind, d.truncated.length, d.truncateOptions, ...d.truncated.map(({ id }) => id)];
    case 'M': {
      const content = [d.messageStart - offset, d.messageEnd - offset];
      return [kind, d.messageTransactional ? 1 : 0, d.messageLsn, d.messagePrefix, ...content];
    }
    default:
      return [kind, d.commitLsn, d.endLsn, d.commitMicros, d.xid, d.gid];
  }
};

const same = (a: Flat | null, b: Flat | null): boolean =>
  a === b || (a !== null && b !== null && a.length === b.length && a.every((value, i) => Object.is(value, b[i])));

/** Decodes mutated messages until one is read otherwise than by the reference. */
export class PgoutputFuzzer {
  accepted = 0;
  rejected = 0;
  private readonly corpus: readonly Entry[];
  private readonly random: Random;
  private decoder = new PgoutputDecoder();
  private announced: Announced = new Map();
  private relations: readonly Buffer[] | null = null;
  private entry: Entry | null = null;
  private left = 0;

  constructor(corpus: readonly Entry[], random: Random) {
    this.corpus = corpus;
    this.random = random;
  }

  run(): void {
    const { random } = this;
    if (this.left === 0 || this.entry === null) {
      this.entry = random.pick(this.corpus);
      this.left = RUNS_PER_MESSAGE;
    }
    this.left--;
    const entry = this.entry;
    const valid = random.below(50) === 0;
    const message = valid ? entry.bytes : mutate(random, entry.bytes, random.pick(this.corpus).bytes);
    this.prepare(entry.relations);
    // Around the message stand bytes that would make sense: whoever reads over its end sees something else.
    const input = Buffer.concat([entry.bytes.subarray(-MARGIN), message, entry.bytes.subarray(0, MARGIN)]);
    const start = Math.min(MARGIN, entry.bytes.length);
    const before = Buffer.from(input);
    const expected = readReference(message, this.announced);
    const actual = this.decode(input, start, start + message.length);
    if (!same(expected, actual)) {
      throw new Error(
        `${message.toString('hex')}\n decoder:   ${JSON.stringify(actual)}\n reference: ${JSON.stringify(expected)}`,
      );
    }
    if (valid && actual === null) throw new Error(`a valid message was refused: ${message.toString('hex')}`);
    if (!input.equals(before)) throw new Error(`the decoder wrote into its input: ${message.toString('hex')}`);
    if (actual === null) this.rejected++;
    else this.accepted++;
    if (actual?.[0] === 'R') this.relations = null; // it may have changed what holds for the next one
  }

  private prepare(relations: readonly Buffer[]): void {
    if (this.relations === relations) return;
    this.relations = relations;
    this.decoder = new PgoutputDecoder();
    this.announced = new Map();
    for (const relation of relations) {
      this.decoder.read(relation, 0, relation.length);
      readReference(relation, this.announced);
    }
  }

  private decode(input: Buffer, start: number, end: number): Flat | null {
    try {
      this.decoder.read(input, start, end);
      return flatten(this.decoder, start);
    } catch (error) {
      if (!(error instanceof ConnectorError))
        throw new Error(`${input.toString('hex', start, end)}: ${String(error)}`, { cause: error });
      if (error.code !== 'VALUE_UNREADABLE' && error.code !== 'INVARIANT') throw error;
      return null;
    }
  }
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConnectorError } from '../../src/contract/errors.ts';
import { BinlogDecoder } from '../../src/engines/mysql/binlog/decoder.ts';
import * as events from '../../src/engines/mysql/binlog/events.ts';
import { type RowImage, VALUE_ABSENT, VALUE_JSON_DIFFS, VALUE_NULL } from '../../src/engines/mysql/binlog/rows.ts';
import { readFrames } from '../golden/frames.ts';
import { repository } from '../kit/paths.ts';
import { readGtidReference, readRowsReference } from './binlog-reference.ts';
import { mutate } from './mutate.ts';
import { Random } from './random.ts';

const HEADER = 19;
const MARGIN = 16;
/** A decoder for other tables is costly to make. */
const RUNS_PER_EVENT = 64;
/** Longer ones would take all the time and are of the same make. */
const LONGEST = 1000;
const ROWS = [23, 24, 25, 30, 31, 32, 39];
const GTIDS = [33, 34, 42];

type Flavor = 'mysql' | 'mariadb';

/** An event without checksum, and the last table that was announced before it. */
interface Entry {
  readonly flavor: Flavor;
  readonly bytes: Buffer;
  readonly announced: Buffer | null;
}

/** The recorded logs of real servers, their checksums taken off. */
export const binlogEntries = (): Entry[] =>
  (['mysql', 'mariadb'] as const).flatMap(flavor => {
    const folder = join(repository, 'test/golden/mysql', flavor);
    const files = readdirSync(folder).filter(file => file.endsWith('.bin') && file !== 'no-checksums.bin');
    return files.flatMap(file => {
      let announced: Buffer | null = null;
      return readFrames(readFileSync(join(folder, file))).flatMap((packet): Entry[] => {
        const type = packet[4];
        const bytes = type === events.FORMAT_DESCRIPTION_EVENT ? Buffer.from(packet) : Buffer.from(packet.subarray(0, -4));
        if (type === events.FORMAT_DESCRIPTION_EVENT) bytes[bytes.length - 5] = 0;
        bytes.writeUInt32LE(bytes.length, 9);
        const entry = { flavor, bytes, announced };
        if (type === events.TABLE_MAP_EVENT) announced = bytes;
        return type === events.TRANSACTION_PAYLOAD_EVENT || bytes.length > LONGEST || (entry.announced?.length ?? 0) > LONGEST
          ? []
          : [entry];
      });
    });
  });

const surrounded = (bytes: Buffer, margin: Buffer): Buffer => Buffer.concat([margin, bytes, margin]);

const image = (bytes: Uint8Array, row: RowImage, start: number, end: number, out: string[]): void => {
  for (let i = 0; i < row.count; i++) {
    const [from, to] = [row.starts[i] ?? -1, row.ends[i] ?? -1];
    const mark = row.marks[i];
    if (mark === VALUE_ABSENT) out.push('-');
    else if (from < start || to < from || to > end)
      throw new Error(`column ${i} stands at [${from}, ${to}) outside of [${start}, ${end})`);
    else if (mark === VALUE_NULL) out.push('null');
    else out.push(`${mark === VALUE_JSON_DIFFS ? '~' : ''}${Buffer.from(bytes.subarray(from, to)).toString('hex')}`);
  }
};

const said = ({ gtid }: BinlogDecoder): string => {
  const { flags, sid, tag, gno, lastCommitted, sequenceNumber, immediateCommitMicros, originalCommitMicros, transactionLength } =
    gtid;
  const { immediateServerVersion, originalServerVersion } = gtid;
  const clock = [lastCommitted, sequenceNumber, immediateCommitMicros, originalCommitMicros, transactionLength];
  return [flags, sid.replaceAll('-', ''), tag, gno, ...clock, immediateServerVersion, originalServerVersion].join(' ');
};

/** Everything else that can be read of an event, in short. */
const summary = (decoder: BinlogDecoder): string => {
  const { kind, position, file, query, gtid, tableMap, previousGtids, gtidList, xaName } = decoder;
  const statement = kind === events.QUERY ? [query.kind, query.schema, query.sqlMode, query.text()] : [];
  const table = kind === events.TABLE_MAP ? tableMap : null;
  return JSON.stringify([
    kind,
    position,
    file,
    ...statement,
    table,
    previousGtids,
    gtidList,
    xaName,
    gtid.gno,
    gtid.domainId,
    gtid.extraFlags,
  ]);
};

/**
 * Decodes mutated events of recorded logs until one is read otherwise than by the reference, depends on bytes outside of
 * it, or ends in another error than VALUE_UNREADABLE and, of an incident, POSITION_LOST.
 */
export class BinlogFuzzer {
  accepted = 0;
  rejected = 0;
  private readonly entries: readonly Entry[];
  private readonly random: Random;
  /** Two that see the same events, each in its own surroundings. */
  private decoder = new BinlogDecoder({ flavor: 'mysql', hasChecksums: false });
  private twin = this.decoder;
  private entry: Entry | null = null;
  private left = 0;

  constructor(entries: readonly Entry[], random: Random) {
    this.entries = entries;
    this.random = random;
  }

  run(): void {
    const { random } = this;
    if (this.left-- === 0 || this.entry === null) this.begin();
    const entry = this.entry;
    if (entry === null) return;
    const valid = random.below(50) === 0;
    const bytes = valid ? Buffer.from(entry.bytes) : this.mutated(entry.bytes);
    if (bytes[4] === events.TRANSACTION_PAYLOAD_EVENT) bytes[4] = 0; // compressed transactions have tests of their own
    const type = bytes[4] ?? 0;
    const margin = entry.bytes.subarray(0, MARGIN);
    const input = surrounded(bytes, margin);
    const outcome = this.decode(this.decoder, input, bytes.length);
    const again = this.decode(this.twin, surrounded(bytes, Buffer.alloc(MARGIN, 0xff)), bytes.length);
    if (outcome !== again) throw new Error(`${bytes.toString('hex')}: ${outcome} and ${again} in other surroundings`);
    this.compare(type, bytes, outcome);
    if (!input.equals(surrounded(bytes, margin))) throw new Error(`the decoder wrote into its input: ${bytes.toString('hex')}`);
    if (valid && outcome === null) throw new Error(`a valid event was refused: ${bytes.toString('hex')}`);
    if (outcome === null) this.rejected++;
    else this.accepted++;
    // What holds for the next event may have been changed.
    if (!valid && outcome !== null && (type === events.TABLE_MAP_EVENT || type === events.FORMAT_DESCRIPTION_EVENT))
      this.left = 0;
  }

  private begin(): void {
    this.entry = this.random.pick(this.entries);
    this.left = RUNS_PER_EVENT;
    this.decoder = this.prepare(this.entry);
    this.twin = this.prepare(this.entry);
  }

  private prepare({ flavor, announced }: Entry): BinlogDecoder {
    const decoder = new BinlogDecoder({ flavor, hasChecksums: false });
    if (announced !== null) {
      void decoder.open(announced, 0, announced.length);
      decoder.next();
    }
    return decoder;
  }

  /** Mostly with its true length in the header: otherwise nothing but that would be looked at. */
  private mutated(bytes: Buffer): Buffer {
    const { random } = this;
    const other = random.pick(this.entries).bytes;
    const isWhole = random.below(8) === 0;
    const changed = isWhole
      ? mutate(random, bytes, other)
      : Buffer.concat([bytes.subarray(0, HEADER), mutate(random, bytes.subarray(HEADER), other.subarray(HEADER))]);
    if (changed.length >= HEADER && random.below(16) !== 0) changed.writeUInt32LE(changed.length, 9);
    return changed;
  }

  private compare(type: number, bytes: Buffer, outcome: string | null): void {
    const isFramed = bytes.length >= HEADER && bytes.readUInt32LE(9) === bytes.length;
    const body = bytes.subarray(HEADER);
    let expected: string | null = null;
    if (!isFramed) expected = null;
    else if (ROWS.includes(type)) {
      const known = this.decoder.tableMap;
      expected = readRowsReference(type, body, id => (known?.tableId === id ? known : null))?.join(' ') ?? null;
    } else if (GTIDS.includes(type)) expected = readGtidReference(type, body);
    else return;
    if (expected !== outcome) throw new Error(`${bytes.toString('hex')}\n decoder:   ${outcome}\n reference: ${expected}`);
  }

  /** Null: refused. */
  private decode(decoder: BinlogDecoder, input: Buffer, length: number): string | null {
    const start = (input.length - length) >> 1;
    try {
      void decoder.open(input, start, start + length);
      const kind = decoder.next();
      if (kind === events.GTID && decoder.gtid.flavor !== 'mariadb') return said(decoder);
      if (kind !== events.ROWS) return summary(decoder);
      const values: string[] = [];
      const { rows } = decoder;
      while (rows.next()) {
        const isOwn = rows.bytes === input;
        for (const row of [rows.before, rows.after])
          image(rows.bytes, row, isOwn ? start : 0, isOwn ? start + length : rows.bytes.length, values);
      }
      return values.join(' ');
    } catch (error) {
      if (!(error instanceof ConnectorError))
        throw new Error(`${input.toString('hex', start, start + length)}: ${String(error)}`, { cause: error });
      // an incident that can be read is told by this error
      if (error.code === 'POSITION_LOST' && input[start + 4] === events.INCIDENT_EVENT) return error.detail;
      if (error.code !== 'VALUE_UNREADABLE') throw error;
      return null;
    }
  }
}

/** Feeds `runs` mutated events to the decoder; throws at the first that is read wrongly, saying seed, run and input. */
export const fuzzBinlog = (
  runs: number,
  seed: number,
): { readonly target: string; readonly accepted: number; readonly rejected: number }[] => {
  const fuzzer = new BinlogFuzzer(binlogEntries(), new Random(seed));
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // most inputs end in an error: their stacks would take most of the time
  let run = 0;
  try {
    for (; run < runs; run++) fuzzer.run();
  } catch (error) {
    throw new Error(`seed ${seed}, run ${run}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return [{ target: 'binary log', accepted: fuzzer.accepted, rejected: fuzzer.rejected }];
};

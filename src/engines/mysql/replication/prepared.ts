import { ConnectorError } from '../../../contract/errors.ts';

/** Bytes of changes that are held back at most, over all prepared transactions. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Packets of one transaction, copied. */
export class HeldTransaction {
  readonly packets: Buffer[] = [];
  bytes = 0;
  /** Whether they end with checksums. */
  readonly hasChecksums: boolean;

  constructor(hasChecksums: boolean) {
    this.hasChecksums = hasChecksums;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.packets.push(Buffer.from(bytes.subarray(start, end)));
    this.bytes += end - start;
    if (this.bytes > MOST_BYTES) throw tooMuch();
  }
}

/**
 * XA transactions that are prepared and neither committed nor rolled back. Their changes stand in the log where they were
 * prepared, but they count from XA COMMIT on, which may never come: until then they are kept here.
 */
export class Prepared {
  readonly #byName = new Map<string, HeldTransaction>();

  keep(name: string, held: HeldTransaction): void {
    this.#byName.set(name, held);
    let bytes = 0;
    for (const each of this.#byName.values()) bytes += each.bytes;
    if (bytes > MOST_BYTES) throw tooMuch();
  }

  /** Gives it out, once; undefined: it was prepared before the log was read. */
  take(name: string): HeldTransaction | undefined {
    const held = this.#byName.get(name);
    this.#byName.delete(name);
    return held;
  }
}

const tooMuch = (): ConnectorError =>
  new ConnectorError(
    'SERVER_SETTING',
    `XA transactions that are prepared and not committed have more than ${MOST_BYTES / 2 ** 20} MB of changes. Commit them or roll them back (XA RECOVER lists them); the next run goes on from there.`,
  );

/** `XA COMMIT X'6162',X'',1`: the name as XA_PREPARE has it. */
export const xaName = (sql: string): string => sql.replace(/^\s*xa\s+(?:commit|rollback)\s+/i, '').trim();

/** Its rows stand in front of where the log was begun. */
export function preparedBefore(name: string, where: string): ConnectorError {
  const detail = `the XA transaction ${name} was committed at ${where}, and prepared before the log was read: its changes are not known.`;
  return new ConnectorError('POSITION_LOST', detail);
}

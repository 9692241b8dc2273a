import { ConnectorError } from '../../../contract/errors.ts';
import type { Json, JsonObject } from '../../../contract/ids.ts';
import { layoutFromJson, layoutToJson } from '../layout/column-layout.ts';
import type { KnownTable } from '../layout/layout-catalog.ts';

/** Bytes of changes that are kept in memory at most: of one transaction, and of all. What is more is read from the log again. */
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_BYTES_TOGETHER = 64 * 1024 * 1024;

/**
 * Where a transaction begins in the log, by the kind of positions that the log has: its GTID (`uuid:5`; MariaDB `0-1-5`, and
 * the list in front of it), or a file and a byte.
 */
export type TransactionPlace =
  | { readonly gtid: string; readonly after?: string }
  | { readonly file: string; readonly pos: number; readonly server: string };

/**
 * A transaction whose rows stand in the log in front of what makes them count. Of it is kept where it is, so that it can be
 * read once more when it counts, and, as long as they are few, its packets, so that it need not be.
 */
export class HeldTransaction {
  readonly place: TransactionPlace;
  /** Whether its packets end with checksums. */
  readonly hasChecksums: boolean;
  /** Tables that statements have changed since, as they were for its rows. */
  readonly layouts: KnownTable[];
  /** As XA_PREPARE spells it. */
  name = '';
  bytes = 0;
  #packets: Buffer[] | null;

  constructor(place: TransactionPlace, options: { readonly hasChecksums: boolean; readonly layouts?: KnownTable[] }) {
    this.place = place;
    this.hasChecksums = options.hasChecksums;
    this.layouts = options.layouts ?? [];
    this.#packets = options.layouts === undefined ? [] : null;
  }

  /** Its packets with tables and rows, copied; null: they have to be read again. */
  get packets(): readonly Buffer[] | null {
    return this.#packets;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.bytes += end - start;
    if (this.bytes > MOST_BYTES) this.drop();
    this.#packets?.push(Buffer.from(bytes.subarray(start, end)));
  }

  drop(): void {
    this.#packets = null;
  }
}

/**
 * XA transactions that are prepared and neither committed nor rolled back. Their rows stand in the log where they were
 * prepared, but count from XA COMMIT on, which may come much later, or never. They are part of the position, so that the log
 * can be resumed behind them.
 */
export class Prepared {
  readonly #byName = new Map<string, HeldTransaction>();

  constructor(json: Json | undefined) {
    for (const [name, entry] of Object.entries((json ?? {}) as Readonly<Record<string, Json>>)) {
      this.keep(fromJson(name, entry));
    }
  }

  get size(): number {
    return this.#byName.size;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  keep(held: HeldTransaction): void {
    this.#byName.set(held.name, held);
    let bytes = 0;
    for (const each of this.#byName.values()) bytes += each.packets === null ? 0 : each.bytes;
    if (bytes > MOST_BYTES_TOGETHER) held.drop();
  }

  /** Gives it out, once; undefined: it was prepared before the log was read. */
  take(name: string): HeldTransaction | undefined {
    const held = this.#byName.get(name);
    this.#byName.delete(name);
    return held;
  }

  /** A statement of the log changes this table, which was so until now. */
  changes(known: KnownTable): void {
    const { schema, name } = nameOf(known);
    for (const { layouts } of this.#byName.values()) {
      const isKnown = layouts.some(each => nameOf(each).schema === schema && nameOf(each).name === name);
      if (!isKnown) layouts.push(known);
    }
  }

  /** What the position says of them; null: there are none. */
  toJson(): JsonObject | null {
    if (this.#byName.size === 0) return null;
    return Object.fromEntries(
      [...this.#byName].map(([name, { place, layouts }]) => {
        const was = layouts.map(known => ('layout' in known ? layoutToJson(known.layout) : { ...known.table, why: known.why }));
        return [name, { ...place, ...(was.length === 0 ? {} : { layouts: was }) } as JsonObject];
      }),
    );
  }
}

export const nameOf = (known: KnownTable): { readonly schema: string; readonly name: string } =>
  'layout' in known ? known.layout : known.table;

function fromJson(xid: string, json: Json): HeldTransaction {
  const { gtid, after, file, pos, server, layouts = [] } = (json ?? {}) as JsonObject;
  const known = (Array.isArray(layouts) ? layouts : []).map((entry): KnownTable => {
    const { schema, name, why } = entry as JsonObject;
    if (typeof why === 'string') return { table: { schema: String(schema), name: String(name) }, why };
    return { layout: layoutFromJson(entry as JsonObject) };
  });
  const options = { hasChecksums: true, layouts: known };
  let held: HeldTransaction | null = null;
  if (typeof gtid === 'string') held = new HeldTransaction(typeof after === 'string' ? { gtid, after } : { gtid }, options);
  else if (typeof file === 'string' && typeof pos === 'number' && typeof server === 'string') {
    held = new HeldTransaction({ file, pos, server }, options);
  }
  if (held !== null) {
    held.name = xid;
    return held;
  }
  throw new ConnectorError('STATE_INVALID', `the prepared transaction ${xid} has no place: ${JSON.stringify(json)}.`);
}

/** `XA COMMIT X'6162',X'',1`: the name as XA_PREPARE has it. */
export const xaName = (sql: string): string => sql.replace(/^\s*xa\s+(?:commit|rollback)\s+/i, '').trim();

/** Its rows stand in front of where the log was begun. */
export function preparedBefore(name: string, where: string): ConnectorError {
  const detail = `the XA transaction ${name} was committed at ${where}, and prepared before the log was read: its changes are not known.`;
  return new ConnectorError('POSITION_LOST', detail);
}

import type { EventCursor } from './event-cursor.ts';
import * as codes from './events.ts';
import { ROWS_DELETE, ROWS_INSERT, ROWS_UPDATE, type RowsKind } from './rows.ts';
import { readTableMap, type TableMap } from './table-map.ts';

/** Of a ROWS event. */
const STATEMENT_END = 1;
/** Table ids that name no table: such an event only ends the statement. */
const DUMMY_IDS = [0xff_ffff, 0xffff_ffff, 0xffff_ffff_ffff];
/** More are forgotten between transactions; they are announced again in front of their next rows. */
const KEPT = 1024;

interface Announced {
  readonly body: Uint8Array;
  readonly map: TableMap;
}

/** The tables that TABLE_MAP events have announced since the last FORMAT_DESCRIPTION, by id. */
export class TableMaps {
  /** What the last TABLE_MAP announced. */
  last: TableMap | null = null;
  private readonly flavor: 'mysql' | 'mariadb';
  private readonly byId = new Map<number, Announced>();

  constructor(flavor: 'mysql' | 'mariadb') {
    this.flavor = flavor;
  }

  clear(): void {
    this.byId.clear();
    this.last = null;
  }

  /** Keeps the memory bounded where tables are opened and altered without end. Not within a statement. */
  trim(): void {
    if (this.byId.size > KEPT) this.byId.clear();
  }

  /** Reads a TABLE_MAP at the cursor to its end. The same bytes as before give the same object. */
  read(cursor: EventCursor): void {
    const { at, end, bytes } = cursor;
    const id = cursor.u48();
    const known = this.byId.get(id);
    if (known !== undefined && sameBytes(known.body, bytes, at, end)) {
      cursor.at = end;
      this.last = known.map;
      return;
    }
    cursor.at = at;
    const map = readTableMap(cursor, this.flavor);
    this.byId.set(id, { body: new Uint8Array(bytes.subarray(at, end)), map });
    this.last = map;
  }

  /** The table of a ROWS event; null for one that only ends a statement. */
  find(cursor: EventCursor, id: number, flags: number): TableMap | null {
    const { last } = this;
    if (last !== null && last.tableId === id) return last;
    const known = this.byId.get(id);
    if (known !== undefined) return known.map;
    if ((flags & STATEMENT_END) !== 0 && DUMMY_IDS.includes(id)) return null;
    throw cursor.unreadable(`the table ${id} was not announced`);
  }
}

function sameBytes(kept: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  if (kept.length !== end - at) return false;
  for (let i = 0; i < kept.length; i++) if (kept[i] !== bytes[at + i]) return false;
  return true;
}

export interface RowsForm {
  readonly kind: RowsKind;
  readonly version: 1 | 2;
  readonly partial: boolean;
  readonly compressed: boolean;
}

const form = (kind: RowsKind, version: 1 | 2, partial = false, compressed = false): RowsForm => ({
  kind,
  version,
  partial,
  compressed,
});

const FORMS: ReadonlyMap<number, RowsForm> = new Map([
  [codes.WRITE_ROWS_EVENT, form(ROWS_INSERT, 2)],
  [codes.UPDATE_ROWS_EVENT, form(ROWS_UPDATE, 2)],
  [codes.DELETE_ROWS_EVENT, form(ROWS_DELETE, 2)],
  [codes.PARTIAL_UPDATE_ROWS_EVENT, form(ROWS_UPDATE, 2, true)],
  [codes.WRITE_ROWS_EVENT_V1, form(ROWS_INSERT, 1)],
  [codes.UPDATE_ROWS_EVENT_V1, form(ROWS_UPDATE, 1)],
  [codes.DELETE_ROWS_EVENT_V1, form(ROWS_DELETE, 1)],
  [codes.WRITE_ROWS_COMPRESSED_EVENT_V1, form(ROWS_INSERT, 1, false, true)],
  [codes.UPDATE_ROWS_COMPRESSED_EVENT_V1, form(ROWS_UPDATE, 1, false, true)],
  [codes.DELETE_ROWS_COMPRESSED_EVENT_V1, form(ROWS_DELETE, 1, false, true)],
  [codes.WRITE_ROWS_COMPRESSED_EVENT, form(ROWS_INSERT, 2, false, true)],
  [codes.UPDATE_ROWS_COMPRESSED_EVENT, form(ROWS_UPDATE, 2, false, true)],
  [codes.DELETE_ROWS_COMPRESSED_EVENT, form(ROWS_DELETE, 2, false, true)],
]);

/** How the rows of this type of event are laid out; null: it has none. */
export function rowsForm(type: number): RowsForm | null {
  return FORMS.get(type) ?? null;
}

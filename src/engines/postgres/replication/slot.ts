import { ConnectorError } from '../../../contract/errors.ts';
import { type Query, quoteIdent, quoteLiteral } from '../sql.ts';
import { serverError, toConnectorError } from '../wire/errors.ts';

/** A row of `pg_replication_slots`. LSNs as the server prints them, `16/B374D848`. */
export interface Slot {
  readonly name: string;
  /** Null for a physical slot. */
  readonly plugin: string | null;
  readonly type: 'physical' | 'logical';
  readonly database: string | null;
  readonly temporary: boolean;
  readonly active: boolean;
  readonly activePid: number | null;
  readonly restartLsn: string | null;
  /** The catalog is kept as it was for this transaction, 32 bits in digits, and all later ones. */
  readonly catalogXmin: string | null;
  /** Up to here the log was confirmed: nothing before it is sent any more. */
  readonly confirmedFlushLsn: string | null;
  /** reserved, extended, unreserved, lost. */
  readonly walStatus: string | null;
  readonly twoPhase: boolean;
  /** A standby's copy of a slot of its primary (version 17 and later): it can be neither read nor dropped there. */
  readonly synced: boolean;
  /** Version 17 and later: wal_removed, rows_removed, wal_level_insufficient, idle_timeout. */
  readonly invalidationReason: string | null;
}

interface SlotRow {
  slot_name: string;
  plugin: string | null;
  slot_type: 'physical' | 'logical';
  database: string | null;
  temporary: boolean;
  active: boolean;
  active_pid: number | null;
  restart_lsn: string | null;
  catalog_xmin: string | number | null;
  confirmed_flush_lsn: string | null;
  wal_status: string | null;
  two_phase?: boolean;
  conflicting?: boolean | null;
  invalidation_reason?: string | null;
  synced?: boolean;
}

/** The slot of that name, whatever it is, or undefined. */
export async function readSlot(query: Query, name: string): Promise<Slot | undefined> {
  // As JSON: which columns there are depends on the version.
  const sql = `SELECT to_jsonb(s) AS slot, pg_is_in_recovery() AS standby FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = ${quoteLiteral(name)}`;
  const [row] = await query.rows<{ slot: SlotRow; standby: boolean }>(sql);
  if (row === undefined) return undefined;
  const { slot, standby } = row;
  return {
    name: slot.slot_name,
    plugin: slot.plugin,
    type: slot.slot_type,
    database: slot.database,
    temporary: slot.temporary,
    active: slot.active,
    activePid: slot.active_pid,
    restartLsn: slot.restart_lsn,
    catalogXmin: slot.catalog_xmin === null ? null : `${slot.catalog_xmin}`,
    confirmedFlushLsn: slot.confirmed_flush_lsn,
    walStatus: slot.wal_status,
    twoPhase: slot.two_phase ?? false,
    // A server that was promoted keeps the mark, and it means nothing there (manual, pg_replication_slots).
    synced: standby && slot.synced === true,
    invalidationReason: slot.invalidation_reason ?? (slot.conflicting === true ? 'conflict with recovery' : null),
  };
}

/** True when the server has discarded log that the slot needs; such a slot never comes back to life. */
export const isLost = (slot: Slot): boolean => slot.walStatus === 'lost' || slot.invalidationReason !== null;

export const dropSlotSql = (name: string): string => `SELECT pg_drop_replication_slot(${quoteLiteral(name)});`;

/** Why the slot cannot be read by this connector, other than that its log is lost; undefined when it can. */
export function slotMisfit(slot: Slot, database: string): string | undefined {
  const name = `The replication slot "${slot.name}"`;
  const remedy = `Choose another replication_slot, or, if nobody needs it, run: ${dropSlotSql(slot.name)}`;
  if (slot.synced) {
    return `${name} is this standby's copy of a slot of its primary, which can be read there, and here only after a promotion. Read from the primary, or choose another replication_slot for this standby.`;
  }
  if (slot.type !== 'logical') return `${name} is a physical one. ${remedy}`;
  if (slot.plugin !== 'pgoutput') return `${name} uses the plugin ${slot.plugin ?? '?'}, not pgoutput. ${remedy}`;
  if (slot.database !== database) return `${name} belongs to the database "${slot.database ?? '?'}". ${remedy}`;
  if (slot.temporary) return `${name} is a temporary one of another session. ${remedy}`;
  // Its changes come with PREPARE TRANSACTION, when nobody knows yet whether they count.
  if (slot.twoPhase) return `${name} has two_phase = true: it brings transactions before they are committed. ${remedy}`;
  return undefined;
}

/** What to change so that it does not happen again, by `invalidation_reason`. */
const PRECAUTIONS: Readonly<Record<string, string>> = {
  wal_removed: 'Raise max_slot_wal_keep_size, or sync more often.',
  idle_timeout: 'Raise idle_replication_slot_timeout, or sync more often.',
  rows_removed:
    'Set hot_standby_feedback = on on the standby, with a physical slot on its primary, so that vacuum keeps what decoding needs.',
  wal_level_insufficient: 'wal_level was too low for a while: keep it at logical, on a standby also on its primary.',
  'conflict with recovery': 'Set hot_standby_feedback = on on the standby, and keep wal_level = logical on its primary.',
};

/** Why the log of the slot is lost, in words. */
export function slotLoss(slot: Slot): string | undefined {
  if (!isLost(slot)) return undefined;
  const reason = slot.invalidationReason ?? 'wal_removed';
  const why = slot.invalidationReason === null ? '' : ` (${slot.invalidationReason})`;
  return `The server has discarded changes that the replication slot "${slot.name}" still needed${why}. ${PRECAUTIONS[reason] ?? 'Sync more often.'}`;
}

/**
 * What a server means that refuses to start at a slot with 55000 (object_not_in_prerequisite_state): one number for a slot
 * that is lost, for one that cannot be used here, and for settings. The slot tells; messages come in the server's language.
 */
export async function whyNotStarted(error: unknown, query: Query, name: string, database: string): Promise<unknown> {
  if (!(error instanceof ConnectorError) || serverError(error.cause)?.code !== '55000') return error;
  const slot = await readSlot(query, name);
  const options = { cause: error.cause };
  const misfit = slot === undefined ? undefined : slotMisfit(slot, database);
  if (misfit !== undefined) return new ConnectorError('SLOT_UNUSABLE', misfit, options);
  const loss = slot === undefined ? undefined : slotLoss(slot);
  if (slot === undefined || loss !== undefined) return new ConnectorError('POSITION_LOST', loss ?? error.detail, options);
  return new ConnectorError(
    'SERVER_SETTING',
    `${error.detail} wal_level must be logical, on a standby also on its primary.`,
    options,
  );
}

/**
 * Creates a logical slot for pgoutput on a replication connection and gives its consistent point: every transaction
 * that commits after it is in the log whole, every other one is visible to any snapshot taken from now on. Waits for
 * transactions that are open to end, however long that takes.
 * Throws SERVER_SETTING, PERMISSION_DENIED, SLOT_UNUSABLE (there is one of that name already).
 */
export async function createSlot(
  replication: Query,
  name: string,
  options: { readonly temporary?: boolean } = {},
): Promise<string> {
  // The form of the option that all versions from 10 on know; (SNAPSHOT 'nothing') came with 15.
  const temporary = options.temporary === true ? ' TEMPORARY' : '';
  try {
    const sql = `CREATE_REPLICATION_SLOT ${quoteIdent(name)}${temporary} LOGICAL pgoutput NOEXPORT_SNAPSHOT`;
    const [row] = await replication.rows<{ consistent_point: string }>(sql);
    if (row === undefined) throw new ConnectorError('INVARIANT', 'CREATE_REPLICATION_SLOT gave no row.');
    return row.consistent_point;
  } catch (error) {
    throw creationError(error, name);
  }
}

function creationError(error: unknown, name: string): ConnectorError {
  const known = toConnectorError(error, `Creating the replication slot "${name}"`);
  switch (serverError(known.cause)?.code) {
    case '55000': // object_not_in_prerequisite_state: wal_level
      return new ConnectorError('SERVER_SETTING', known.detail, { cause: error });
    case '42710': // duplicate_object
      return new ConnectorError('SLOT_UNUSABLE', known.detail, { cause: error });
    case '53400':
      return new ConnectorError('SERVER_SETTING', `${known.detail} Raise max_replication_slots or drop slots that nobody uses.`, {
        cause: error,
      });
    default:
      return known;
  }
}

/** Drops the slot; one that is not there is fine. Throws SLOT_BUSY while somebody reads it. */
export async function dropSlot(query: Query, name: string): Promise<void> {
  try {
    await query.rows(dropSlotSql(name));
  } catch (error) {
    if (serverError(error)?.code === '42704') return; // undefined_object
    throw toConnectorError(error, `Dropping the replication slot "${name}"`);
  }
}

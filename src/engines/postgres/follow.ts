import { tableLabel } from '../../contract/ids.ts';
import type { Table } from '../../contract/table.ts';
import { type RelationFacts, type ReplicaIdentity, replicaIdentity } from './replication/replica-identity.ts';
import { qualified } from './sql.ts';
import type { PgColumn } from './table.ts';

export interface FollowFacts {
  /** `server_version_num`. */
  readonly version: number;
  readonly table: RelationFacts;
  readonly leaves: readonly RelationFacts[];
  /** Those that may be read. */
  readonly columns: readonly PgColumn[];
  /** Names of generated columns that the log does not bring, readable or not. */
  readonly generated: readonly string[];
  readonly rowSecurity: boolean;
  /** A column, readable or not, that the log would bring and the server cannot send: its name and type. */
  readonly unsendable: { readonly name: string; readonly type: string } | undefined;
  /** Partitioned table whose partitions are published as themselves. */
  readonly leavesPublished: boolean;
}

interface Follow {
  readonly follow: Table['follow'];
  readonly identity: ReplicaIdentity | null;
  readonly primaryKey: readonly string[];
}

/** Whether a table's changes can be read from the log without losing any, and the key that all its records carry. */
export function followOf(facts: FollowFacts): Follow {
  const identity = replicaIdentity(facts.table, facts.leaves);
  const reason = 'reason' in identity ? identity.reason : obstacle(facts, identity);
  if (reason === undefined && !('reason' in identity)) {
    const { columns } = identity;
    const carried = columns.every(name => isKeyColumn(facts, name) && isPublished(facts, name));
    return { follow: true, identity, primaryKey: carried ? columns : [] };
  }
  // Read as full refresh, a deferrable key will do: within one snapshot it is unique.
  const primary = facts.table.indexes.find(index => index.primary)?.columns ?? [];
  const primaryKey = primary.every(name => isKeyColumn(facts, name)) ? primary : [];
  return { follow: { reason: reason ?? '' }, identity: null, primaryKey };
}

const columnNamed = (facts: FollowFacts, name: string): PgColumn | undefined =>
  facts.columns.find(column => column.name === name);

/** Readable, and of a type by which a destination can tell rows apart. */
function isKeyColumn(facts: FollowFacts, name: string): boolean {
  const kind = columnNamed(facts, name)?.type.kind;
  return kind !== undefined && kind !== 'array' && kind !== 'json' && kind !== 'object';
}

const isPublished = (facts: FollowFacts, name: string): boolean => columnNamed(facts, name)?.published === true;

function obstacle(facts: FollowFacts, identity: ReplicaIdentity): string | undefined {
  const name = tableLabel(facts.table.id);
  const table = qualified(facts.table.id);
  const full = `ALTER TABLE ${table} REPLICA IDENTITY FULL;`;
  if (facts.leavesPublished)
    return `the publication publishes the partitions of ${name} as tables of their own; read those instead.`;
  if (facts.rowSecurity) {
    return `row-level security hides rows of ${name} from this role, but the log shows them all. Give the role BYPASSRLS, or read the table as full refresh.`;
  }
  if (facts.unsendable !== undefined) {
    const { name: column, type } = facts.unsendable;
    const list = facts.version < 15_00_00 ? '' : ', or make the publication yourself, with a column list without it';
    return `the server cannot send the column "${column}" of ${name} (${type}) in its log, which would stop there for good. Read the table as full refresh${list}.`;
  }
  // From 18 on the server refuses updates of a published table whose whole-row identity holds unpublished columns.
  if (identity.kind === 'full' && facts.version >= 18_00_00 && facts.generated.length > 0) {
    return `${name} has REPLICA IDENTITY FULL and the generated column "${facts.generated[0]}", which cannot be published: updates would fail. Give it a primary key, then run: ALTER TABLE ${table} REPLICA IDENTITY DEFAULT;`;
  }
  if (identity.kind === 'full') return undefined;
  for (const key of identity.columns) {
    const column = columnNamed(facts, key);
    if (column === undefined) return `the column "${key}" of the key of ${name} may not be read. Grant SELECT on it.`;
    if (!isKeyColumn(facts, key))
      return `the key column "${key}" of ${name} is an array or JSON, which is no key elsewhere. Run: ${full}`;
    if (!column.published)
      return `the log does not carry the key column "${key}" of ${name}, which is generated or not in the publication's column list.`;
  }
  return undefined;
}

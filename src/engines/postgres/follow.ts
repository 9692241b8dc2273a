import { listed } from '../../contract/findings.ts';
import { tableLabel } from '../../contract/ids.ts';
import type { Table } from '../../contract/table.ts';
import { fullSql } from './replication/identity-reasons.ts';
import type { RelationFacts } from './replication/relation-facts.ts';
import { type ReplicaIdentity, replicaIdentity } from './replication/replica-identity.ts';
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
  /** Tables that inherit from it and are not offered: `schema.table`. */
  readonly hiddenChildren: readonly string[];
}

interface Follow {
  readonly follow: Table['follow'];
  readonly identity: ReplicaIdentity | null;
  readonly primaryKey: readonly string[];
}

/** Whether a table's changes can be read from the log without losing any, and the key that all its records carry. */
export function followOf(facts: FollowFacts): Follow {
  // From 18 on the server refuses updates of a published table whose whole-row identity holds unpublished columns.
  const [unpublished] = facts.version >= 18_00_00 ? facts.generated : [];
  const found = replicaIdentity(facts.table, facts.leaves, unpublished);
  const identity = 'reasons' in found ? found.after : found;
  const reasons = reasonsAgainst(facts, 'reasons' in found ? found.reasons : [], identity, unpublished);
  if (reasons.length === 0 && identity !== null) {
    const { columns } = identity;
    const carried = columns.every(name => isKeyColumn(facts, name) && isPublished(facts, name));
    return { follow: true, identity, primaryKey: carried ? columns : [] };
  }
  // Read as full refresh, a deferrable key will do: within one snapshot it is unique.
  const primary = facts.table.indexes.find(index => index.primary)?.columns ?? [];
  // Unique in each of inherited tables, not in all.
  const unique = facts.hiddenChildren.length === 0;
  const primaryKey = unique && primary.every(name => isKeyColumn(facts, name)) ? primary : [];
  return { follow: { reason: reasons.join(' Also: ') }, identity: null, primaryKey };
}

const columnNamed = (facts: FollowFacts, name: string): PgColumn | undefined =>
  facts.columns.find(column => column.name === name);

/** Readable, and of a type by which a destination can tell rows apart. */
function isKeyColumn(facts: FollowFacts, name: string): boolean {
  const kind = columnNamed(facts, name)?.type.kind;
  return kind !== undefined && kind !== 'array' && kind !== 'json' && kind !== 'object';
}

const isPublished = (facts: FollowFacts, name: string): boolean => columnNamed(facts, name)?.published === true;

/** All of them, those of the identity included; `identity` is what it is, or would be once these are seen to. */
function reasonsAgainst(
  facts: FollowFacts,
  ofIdentity: readonly string[],
  identity: ReplicaIdentity | null,
  unpublished: string | undefined,
): readonly string[] {
  const name = tableLabel(facts.table.id);
  const table = qualified(facts.table.id);
  // These alone, since no remedy for anything else would help.
  if (facts.leavesPublished)
    return [`the publication publishes the partitions of ${name} as tables of their own; read those instead.`];
  if (NOWHERE_LOGGED.includes(facts.table.relkind)) return ofIdentity;
  if (facts.hiddenChildren.length > 0) {
    const children = listed(facts.hiddenChildren, 3);
    return [
      `tables that inherit from ${name} are not offered themselves (${children}), and the log names them, not ${name}. It is read whole, with their rows and without a key. To follow changes, add the schemas of these tables to "schemas", grant SELECT on them, and read them as streams of their own.`,
    ];
  }
  const reasons = [...ofIdentity];
  if (facts.rowSecurity) {
    reasons.push(
      `row-level security hides rows of ${name} from this role, but the log shows them all. Give the role BYPASSRLS, or read the table as full refresh.`,
    );
  }
  if (facts.unsendable !== undefined) {
    const { name: column, type } = facts.unsendable;
    const list = facts.version < 15_00_00 ? '' : ', or make the publication yourself, with a column list without it';
    reasons.push(
      `the server cannot send the column "${column}" of ${name} (${type}) in its log, which would stop there for good. Read the table as full refresh${list}.`,
    );
  }
  if (identity?.kind === 'full' && unpublished !== undefined) {
    reasons.push(
      `${name} has REPLICA IDENTITY FULL and the generated column "${unpublished}", which cannot be published: updates would fail. Give it a primary key, then run: ALTER TABLE ${table} REPLICA IDENTITY DEFAULT;`,
    );
  }
  return identity?.kind === 'key' ? [...reasons, ...keyReasons(facts, identity, unpublished)] : reasons;
}

/** Views, materialized views, foreign tables. */
const NOWHERE_LOGGED: readonly string[] = ['v', 'm', 'f'];

function keyReasons(facts: FollowFacts, { columns }: ReplicaIdentity, unpublished: string | undefined): readonly string[] {
  const name = tableLabel(facts.table.id);
  const full = unpublished === undefined ? `Run: ${fullSql(facts.table, facts.leaves)}` : 'Give the table another key.';
  return columns.flatMap((key): string[] => {
    const column = columnNamed(facts, key);
    if (column === undefined) return [`the column "${key}" of the key of ${name} may not be read. Grant SELECT on it.`];
    if (!isKeyColumn(facts, key))
      return [`the key column "${key}" of ${name} is an array or JSON, which is no key elsewhere. ${full}`];
    if (column.published) return [];
    return [
      `the log does not carry the key column "${key}" of ${name}, which is generated or not in the publication's column list.`,
    ];
  });
}

import { shortened } from '../../../contract/findings.ts';
import { tableLabel } from '../../../contract/ids.ts';
import { qualified, quoteLiteral } from '../sql.ts';
import type { RelationFacts } from './relation-facts.ts';

export type IdentityFlaw = 'nothing' | 'index' | 'keyless' | 'deferrable' | 'other';

/** What keeps the changes of one relation, a table or one of its partitions, out of reach. */
export interface Flawed {
  readonly facts: RelationFacts;
  readonly flaw: IdentityFlaw | 'unlogged' | 'foreign';
  /** `default` and `full` are replica identities, `logged` is SET LOGGED. */
  readonly remedy: 'default' | 'full' | 'logged' | 'none';
}

/** A sentence for each kind of flaw, with all that have it, and the SQL that mends them all. */
export function identityReasons(
  table: RelationFacts,
  flawed: readonly Flawed[],
  unpublished: string | undefined,
): readonly string[] {
  const groups = new Map<string, Flawed[]>();
  for (const each of flawed) {
    const group = groups.get(`${each.flaw} ${each.remedy}`);
    if (group === undefined) groups.set(`${each.flaw} ${each.remedy}`, [each]);
    else group.push(each);
  }
  return [...groups.values()].map(group => {
    const [first] = group as [Flawed];
    const said = sentence(first.flaw, subject(table, group), group.length > 1);
    if (first.remedy === 'none') return said;
    if (first.remedy === 'full' && unpublished !== undefined) {
      return `${said} Add a primary key: with REPLICA IDENTITY FULL updates would fail, since the generated column "${unpublished}" cannot be published.`;
    }
    return `${said} ${first.flaw === 'keyless' ? 'Add a primary key, or run' : 'Run'}: ${remedySql(table, group)}`;
  });
}

function subject(table: RelationFacts, group: readonly Flawed[]): string {
  const root = tableLabel(table.id);
  const leaves = group.filter(({ facts }) => facts !== table).map(({ facts }) => tableLabel(facts.id));
  if (leaves.length === 0) return root;
  const names = shortened(leaves);
  if (leaves.length < group.length) return `${root} and its ${leaves.length > 1 ? 'partitions' : 'partition'} ${names}`;
  return `${names}, ${leaves.length > 1 ? 'partitions' : 'a partition'} of ${root},`;
}

function sentence(flaw: Flawed['flaw'], who: string, many: boolean): string {
  const has = many ? 'have' : 'has';
  const are = many ? 'are' : 'is';
  switch (flaw) {
    case 'foreign':
      return `${who} ${many ? 'are foreign tables: their' : 'is a foreign table: its'} changes are in the log of another server.`;
    case 'unlogged':
      return `${who} ${are} unlogged.`;
    case 'nothing':
      return `${who} ${has} REPLICA IDENTITY NOTHING.`;
    case 'index':
      return `the replica identity ${many ? 'indexes' : 'index'} of ${who} ${are} gone.`;
    case 'keyless':
      return `${who} ${has} no primary key, so updates and deletes of ${many ? 'them' : 'it'} cannot be followed (and would fail once ${many ? 'they are' : 'it is'} published).`;
    case 'deferrable':
      return `the primary ${many ? 'keys' : 'key'} of ${who} ${are} DEFERRABLE, which the log cannot use.`;
    case 'other':
      return `${who} ${has} another replica identity than the whole.`;
  }
}

const ACTIONS = { default: 'REPLICA IDENTITY DEFAULT', full: 'REPLICA IDENTITY FULL', logged: 'SET LOGGED', none: '' } as const;

/** Statements of a message; more are said as one that finds the tables itself. */
const MOST_STATEMENTS = 20;

/** Conditions on pg_class that hold for those that a remedy is for; it must do no harm to others for which they hold. */
const CONDITIONS: Readonly<Record<string, string>> = {
  'unlogged logged': "c.relpersistence = 'u' AND c.relkind = 'r'",
  'nothing default': "c.relreplident = 'n'",
  'nothing full': "c.relreplident <> 'f'",
  'keyless full': "c.relreplident <> 'f'",
  'deferrable full': "c.relreplident <> 'f'",
  'other full': "c.relreplident <> 'f'",
};

/** What gives the table and its partitions REPLICA IDENTITY FULL. */
export function fullSql(table: RelationFacts, leaves: readonly RelationFacts[]): string {
  const others = [table, ...leaves].filter(facts => facts.replicaIdentity !== 'f');
  return remedySql(
    table,
    others.map(facts => ({ facts, flaw: 'other', remedy: 'full' })),
  );
}

function remedySql(table: RelationFacts, group: readonly Flawed[]): string {
  const [{ flaw, remedy }] = group as [Flawed];
  const condition = CONDITIONS[`${flaw} ${remedy}`];
  if (group.length <= MOST_STATEMENTS || condition === undefined)
    return group.map(({ facts }) => `ALTER TABLE ${qualified(facts.id)} ${ACTIONS[remedy]};`).join(' ');
  const root = quoteLiteral(qualified(table.id));
  return (
    `DO $do$ DECLARE part regclass; BEGIN FOR part IN SELECT t.relid FROM pg_partition_tree(${root}) t ` +
    `JOIN pg_class c ON c.oid = t.relid WHERE ${condition} LOOP ` +
    `EXECUTE format('ALTER TABLE %s ${ACTIONS[remedy]}', part); END LOOP; END $do$;`
  );
}

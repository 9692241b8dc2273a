import type { Discovery, EngineContext, Problem, Session, Shard } from './engine.ts';
import type { ConnectorError } from './errors.ts';
import { type ShardId, type TableId, tableKey, tableLabel } from './ids.ts';
import type { Table } from './table.ts';

/** One of the servers or databases that a config names, as `check` and `discover` see it. */
export interface Member<T extends Table> {
  readonly id: ShardId;
  /** Throws nothing but STOPPED: what fails is a finding. */
  check(): Promise<readonly Problem[]>;
  /** All tables, or those of `only` that are there. */
  discover(only?: readonly TableId[]): Promise<readonly T[]>;
  /** A shard to read from, with connections of its own. */
  shard(): Shard;
  close(): Promise<void>;
}

/** What a shard takes over from the member that looked at it first. */
export interface Handover<Connection, T extends Table> {
  /** A session that is logged in already, and the shard's from now on. */
  readonly control: Connection | null;
  /** The tables as they were seen just now. */
  readonly found: readonly T[] | null;
}

export interface SessionOptions<T extends Table> {
  readonly members: readonly Member<T>[];
  readonly context: EngineContext;
  /** Takes from a table, which some shards cannot follow, what an engine notes for following it. */
  readonly unfollowed?: (table: T) => T;
}

/** An error as a finding of `check`; STOPPED is thrown on. */
export function asProblem(error: ConnectorError): Problem {
  if (error.code === 'STOPPED') throw error;
  return { code: error.code, detail: error.detail };
}

/** A session over one or many members. Opens nothing by itself, so that one bad address does not hide the others' problems. */
export class ShardedSession<T extends Table> implements Session {
  readonly #options: SessionOptions<T>;
  #shards: readonly Shard[] | undefined;

  constructor(options: SessionOptions<T>) {
    this.#options = options;
  }

  async check(): Promise<readonly Problem[]> {
    const { members } = this.#options;
    const found = await Promise.all(
      members.map(async member => {
        const problems = await member.check();
        if (members.length === 1) return problems;
        return problems.map(problem => ({ ...problem, detail: `Shard "${member.id}": ${problem.detail}` }));
      }),
    );
    return found.flat();
  }

  async discover(only?: readonly TableId[]): Promise<Discovery> {
    const { members, context, unfollowed = (table: T): T => table } = this.#options;
    const answers = await Promise.allSettled(members.map(member => member.discover(only)));
    const failures = new Map<ShardId, unknown>();
    let tables: readonly T[] | null = null;
    const known = new Set<string>();
    for (const [at, answer] of answers.entries()) {
      const id = members[at]?.id ?? ('' as ShardId);
      if (answer.status === 'rejected') failures.set(id, answer.reason);
      else if (tables === null) tables = answer.value;
      else {
        const tell = (what: string): void => context.log.warn(`Shard "${id}" ${what}`);
        tables = commonTables(tables, answer.value, { known, tell, unfollowed });
      }
      if (answer.status === 'fulfilled') for (const table of answer.value) known.add(tableKey(table.id));
    }
    if (tables === null) throw [...failures.values()][0];
    return { tables, failures };
  }

  shards(): Promise<readonly Shard[]> {
    this.#shards ??= this.#options.members.map(member => member.shard());
    return Promise.resolve(this.#shards);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const members = this.#options.members.map(member => member.close());
    await Promise.all([...members, ...(this.#shards ?? []).map(shard => shard[Symbol.asyncDispose]())]);
  }
}

const columnsOf = (table: Table): string =>
  JSON.stringify(
    table.columns
      .map(({ name, type, nullable }) => [name, type, nullable])
      .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
  );

/**
 * The tables that both have with equal columns and key. One that only some can follow is not followed at all: a stream
 * has one way of being read.
 */
function commonTables<T extends Table>(
  tables: readonly T[],
  others: readonly T[],
  {
    known,
    tell,
    unfollowed,
  }: {
    /** What shards before had: of these it was said already why they are left out. */
    readonly known: ReadonlySet<string>;
    readonly tell: (what: string) => void;
    readonly unfollowed: (table: T) => T;
  },
): readonly T[] {
  const byKey = new Map(others.map(table => [tableKey(table.id), table]));
  const lacking: TableId[] = [];
  const common = tables.flatMap((table): T[] => {
    const other = byKey.get(tableKey(table.id));
    byKey.delete(tableKey(table.id));
    if (other === undefined) {
      lacking.push(table.id);
      return [];
    }
    if (columnsOf(table) !== columnsOf(other)) {
      tell(`has other columns in ${tableLabel(table.id)}: the table is left out.`);
      return [];
    }
    const sameKey = table.primaryKey.join('\0') === other.primaryKey.join('\0');
    if (!sameKey) tell(`has another key in ${tableLabel(table.id)}: the table is offered without one.`);
    const follow = table.follow === true ? other.follow : table.follow;
    const reason = `the shards do not agree on the key of ${tableLabel(table.id)}.`;
    const agreed: T = {
      ...table,
      follow: sameKey || follow !== true ? follow : { reason },
      primaryKey: sameKey ? table.primaryKey : [],
      resumable: table.resumable && other.resumable,
    };
    return [agreed.follow === true ? agreed : unfollowed(agreed)];
  });
  if (lacking.length > 0) tell(`lacks ${lacking.map(tableLabel).join(', ')}: left out.`);
  const alone = [...byKey].filter(([key]) => !known.has(key)).map(([, table]) => tableLabel(table.id));
  if (alone.length > 0) tell(`alone has ${alone.join(', ')}: left out.`);
  return common;
}

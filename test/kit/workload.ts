import type { Session, TableSpec, TestDatabase, Value, Values } from './backend.ts';
import type { Random } from './random.ts';
import { sleep } from './servers/process.ts';

/** A small table, a table whose key has two columns and whose large text lies outside of the row, and a plain one. */
export const workloadTables: readonly TableSpec[] = [
  { name: 'account', columns: { id: 'integer', owner: 'text', balance: 'decimal', active: 'boolean' }, primaryKey: ['id'] },
  {
    name: 'document',
    columns: { part: 'text', id: 'integer', body: 'text', meta: 'json', raw: 'bytes', edited: 'timestamp' },
    primaryKey: ['part', 'id'],
  },
  { name: 'event', columns: { id: 'integer', payload: 'text', tags: 'integers', at: 'timestamp' }, primaryKey: ['id'] },
];

/** The key values that stand for the number `n`: all tables of a workload are keyed by numbers. */
export const keyFor = (table: TableSpec, n: number): Values =>
  Object.fromEntries(table.primaryKey.map(name => [name, table.columns[name] === 'text' ? `p${n % 5}` : n] as const));

const randomJson = (random: Random): string =>
  JSON.stringify({ n: random.between(-9, 9), deep: [{ text: random.text(random.between(0, 12)) }, null, true], 'kéy "': 1.5 });

/** How many texts are large enough to be stored outside of the row: they are most of the bytes, and of a test's time. */
const FEW_LARGE = 0.08;
export const MANY_LARGE = 0.25;

/** One value in ten is null. */
const randomValue = (kind: string, random: Random, large = FEW_LARGE): Value => {
  if (random.chance(0.1)) return null;
  switch (kind) {
    case 'integer':
      return random.between(-1_000_000, 1_000_000);
    case 'decimal':
      return `${random.between(-99_999_999, 99_999_999)}.${String(random.between(0, 99)).padStart(2, '0')}`;
    case 'boolean':
      return random.chance(0.5);
    case 'json':
      return randomJson(random);
    case 'bytes':
      return Uint8Array.from({ length: random.between(0, 40) }, () => random.between(0, 255));
    case 'timestamp':
      return new Date(random.between(0, 2_000_000_000) * 1000 + random.between(0, 999))
        .toISOString()
        .replace('T', ' ')
        .slice(0, 23);
    case 'integers':
      return Array.from({ length: random.between(0, 5) }, () => random.between(-99, 99));
    default:
      return random.text(random.chance(large) ? random.between(3000, 9000) : random.between(0, 30));
  }
};

export const randomRow = (table: TableSpec, n: number, random: Random, large?: number): Values => {
  const others = Object.entries(table.columns).filter(([name]) => !table.primaryKey.includes(name));
  const values = others.map(([name, kind]) => [name, randomValue(kind, random, large)] as const);
  return { ...keyFor(table, n), ...Object.fromEntries(values) };
};

/** Inserts the rows numbered `from` up to `to`, in transactions of a few hundred rows; `large`: how many of the texts are. */
export const fill = async (
  database: TestDatabase,
  table: TableSpec,
  from: number,
  to: number,
  random: Random,
  large?: number,
): Promise<void> => {
  const session = await database.session();
  try {
    for (let start = from; start <= to; start += 250) {
      const numbers = Array.from({ length: Math.min(250, to - start + 1) }, (_, index) => start + index);
      await session.insert(
        table,
        numbers.map(n => randomRow(table, n, random, large)),
      );
    }
  } finally {
    await session.close();
  }
};

/** One of the clients. It changes only rows of its own half, so that it never waits for a lock of the other. */
class Client {
  readonly #session: Session;
  readonly #tables: readonly TableSpec[];
  readonly #random: Random;
  readonly #pauseMilliseconds: number;
  changes = 0;

  constructor(session: Session, tables: readonly TableSpec[], random: Random, pauseMilliseconds: number) {
    this.#session = session;
    this.#tables = tables;
    this.#random = random;
    this.#pauseMilliseconds = pauseMilliseconds;
  }

  /** One transaction over rows whose numbers are in `halves`, which hold what is there and are kept up to date. */
  async transaction(halves: readonly Half[]): Promise<void> {
    const random = this.#random;
    const session = this.#session;
    const before = halves.map(half => half.copy());
    const restore = (to: readonly Half[]): void => {
      for (const [index, half] of to.entries()) halves[index]?.become(half);
    };
    await session.begin();
    const steps = random.magnitude(1, 25);
    let saved: Half[] | null = null;
    for (let step = 0; step < steps; step++) {
      await this.#change(halves);
      if (saved === null && random.chance(0.08)) {
        await session.savepoint();
        saved = halves.map(half => half.copy());
      } else if (saved !== null && random.chance(0.3)) {
        await session.rollbackTo();
        restore(saved);
        saved = null;
      }
      if (random.chance(0.1)) await sleep(random.between(0, this.#pauseMilliseconds));
    }
    if (random.chance(0.12)) {
      await session.rollback();
      restore(before);
    } else {
      await session.commit();
    }
    await sleep(random.between(0, this.#pauseMilliseconds));
  }

  async #change(halves: readonly Half[]): Promise<void> {
    const random = this.#random;
    const session = this.#session;
    const index = random.between(0, this.#tables.length - 1);
    const [table, half] = [this.#tables[index], halves[index]];
    if (table === undefined || half === undefined) return;
    this.changes++;
    const dice = random.next();
    const victim = half.pick(random);
    if (victim === null || dice < 0.3) {
      const numbers = Array.from({ length: random.magnitude(1, 8) }, () => half.fresh(random));
      await session.insert(
        table,
        numbers.map(n => randomRow(table, n, random)),
      );
    } else if (dice < 0.7) {
      await session.update(table, keyFor(table, victim), this.#someColumns(table));
    } else if (dice < 0.85) {
      await session.delete(table, keyFor(table, victim));
      half.remove(victim);
    } else if (dice < 0.93) {
      const next = half.fresh(random);
      await session.update(table, keyFor(table, victim), { ...keyFor(table, next), ...this.#someColumns(table) });
      half.remove(victim);
    } else {
      await session.delete(table, keyFor(table, victim));
      await session.insert(table, [randomRow(table, victim, random)]);
    }
  }

  /** At least one of the other columns; the rest, large ones too, stay as they are. */
  #someColumns(table: TableSpec): Values {
    const random = this.#random;
    const others = Object.entries(table.columns).filter(([name]) => !table.primaryKey.includes(name));
    const always = random.pick(others);
    const chosen = others.filter(entry => entry === always || random.chance(0.25));
    return Object.fromEntries(chosen.map(([name, kind]) => [name, randomValue(kind, random)] as const));
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

/** The row numbers of one table that belong to one client: those with the same remainder by two. */
class Half {
  #present: number[];
  readonly #remainder: number;
  readonly #top: { value: number };

  constructor(present: number[], remainder: number, top: { value: number }) {
    this.#present = present;
    this.#remainder = remainder;
    this.#top = top;
  }

  copy(): Half {
    return new Half([...this.#present], this.#remainder, this.#top);
  }

  become(other: Half): void {
    this.#present = [...other.#present];
  }

  pick(random: Random): number | null {
    return this.#present.length === 0 ? null : random.pick(this.#present);
  }

  /** A number that is not there: a new one, or, one time in four, one that may have been there before. */
  fresh(random: Random): number {
    const ours = (from: number): number => from + ((from + this.#remainder) % 2);
    let n = ours(this.#top.value + 1);
    if (random.chance(0.25)) {
      const old = ours(random.between(1, this.#top.value));
      if (!this.#present.includes(old)) n = old;
    }
    this.#top.value = Math.max(this.#top.value, n);
    this.#present.push(n);
    return n;
  }

  remove(n: number): void {
    this.#present = this.#present.filter(other => other !== n);
  }
}

export interface WorkloadOptions {
  readonly database: TestDatabase;
  readonly tables: readonly TableSpec[];
  readonly random: Random;
  /** The rows numbered 1 up to here are there already, in each table. */
  readonly rows: number;
  /** The longest pause behind a transaction. */
  readonly pauseMilliseconds: number;
}

/**
 * A random life of rows: inserts, updates of some columns, deletes, key changes, rows deleted and inserted again, in
 * transactions of one to many changes, some of them rolled back whole or to a savepoint; two clients at a time, whose
 * transactions overlap. After each round the clients change halves, so that every row is touched by both.
 */
export class Workload {
  readonly #clients: readonly Client[];
  readonly #done: Promise<void>;
  #stopping = false;
  #failure: unknown = null;

  private constructor(clients: readonly Client[], options: WorkloadOptions) {
    this.#clients = clients;
    this.#done = this.#live(options).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  static async start(options: WorkloadOptions): Promise<Workload> {
    const clients = await Promise.all(
      [0, 1].map(async index => {
        const random = options.random.fork(`client ${index}`);
        return new Client(await options.database.session(), options.tables, random, options.pauseMilliseconds);
      }),
    );
    return new Workload(clients, options);
  }

  async #live(options: WorkloadOptions): Promise<void> {
    const halves = [0, 1].map(remainder =>
      options.tables.map(() => {
        const present = Array.from({ length: options.rows }, (_, index) => index + 1).filter(n => n % 2 === remainder);
        return new Half(present, remainder, { value: options.rows });
      }),
    );
    for (let round = 0; !this.#stopping; round++) {
      await Promise.all(
        this.#clients.map(async (client, index) => {
          const mine = halves[(index + round) % 2] ?? [];
          for (let count = options.random.between(1, 6); count > 0; count--) await client.transaction(mine);
        }),
      );
    }
  }

  get changes(): number {
    return this.#clients.reduce((sum, client) => sum + client.changes, 0);
  }

  /** Lets the transactions under way end; afterwards the database stands still. Throws what made the workload fail. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
    await Promise.all(this.#clients.map(client => client.close()));
    if (this.#failure !== null) throw this.#failure;
  }
}

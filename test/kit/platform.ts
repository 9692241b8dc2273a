import type { TableSpec, TestDatabase } from './backend.ts';
import { type CatalogChoices, configuredCatalog, mergeStates, withoutStream } from './catalog.ts';
import { Destination, linesUpToState } from './destination.ts';
import { expectSound, secretsOf } from './invariants.ts';
import type { ConfiguredCatalog, JsonObject, StateBody } from './messages.ts';
import { expectSuccess, type RunOptions, type RunResult } from './run-connector.ts';
import { discoverCatalog, runEither } from './run-within.ts';

export interface SyncOptions extends Partial<Omit<RunOptions, 'command' | 'catalog'>> {
  /** Whether the run may end in another way than with exit code 0. */
  readonly mayFail?: boolean;
}

/**
 * Plays Airbyte for one connection: discovers, configures, reads again and again, stores states, and feeds two
 * destinations: `everything` saw every line, `committed` only what stood before a STATE that was stored.
 */
export class Platform {
  readonly database: TestDatabase;
  readonly config: JsonObject;
  catalog: ConfiguredCatalog;
  stored: StateBody[] = [];
  everything: Destination;
  committed: Destination;
  readonly cursorColumn: string;

  private constructor(database: TestDatabase, config: JsonObject, catalog: ConfiguredCatalog, cursorColumn: string) {
    this.database = database;
    this.config = config;
    this.catalog = catalog;
    this.cursorColumn = cursorColumn;
    this.everything = new Destination(catalog, cursorColumn);
    this.committed = new Destination(catalog, cursorColumn);
  }

  static async connect(
    database: TestDatabase,
    cursorColumn: string,
    options: { readonly choices?: CatalogChoices; readonly config?: JsonObject } = {},
  ): Promise<Platform> {
    const config = options.config ?? database.config();
    const catalog = configuredCatalog(await discoverCatalog(config), options.choices);
    return new Platform(database, config, catalog, cursorColumn);
  }

  /** The catalog changes; what is stored stays. The destinations keep what they have of the streams that remain. */
  async reconfigure(choices: CatalogChoices): Promise<void> {
    this.catalog = configuredCatalog(await discoverCatalog(this.config), choices);
    for (const destination of [this.everything, this.committed]) destination.configure(this.catalog);
  }

  /** Another connection in the same situation: what is stored, and what the destinations have. */
  fork(): Platform {
    const fork = new Platform(this.database, this.config, this.catalog, this.cursorColumn);
    fork.stored = [...this.stored];
    fork.everything = this.everything.copy(this.catalog);
    fork.committed = this.committed.copy(this.catalog);
    return fork;
  }

  /** What `read` is given. */
  input(): Pick<RunOptions, 'command' | 'config' | 'catalog' | 'state'> {
    const state = this.stored.length === 0 ? {} : { state: this.stored };
    return { command: 'read', config: this.config, catalog: this.catalog, ...state };
  }

  /** Runs `read` with what is stored and checks every invariant. Takes nothing in yet: see `store`. */
  async run(options: SyncOptions = {}): Promise<RunResult> {
    const { mayFail = false, ...rest } = options;
    const run = await runEither({ ...this.input(), ...rest });
    expectSound(run, { catalog: this.catalog, secrets: secretsOf(this.config) });
    return mayFail ? run : expectSuccess(run);
  }

  /** Stores the `ordinal`-th STATE of a run (-1: none of them; all unless told) and lets the destinations take it in. */
  store(run: RunResult, ordinal = run.states.length - 1): void {
    this.everything.apply(run);
    this.committed.apply(run, linesUpToState(run, ordinal));
    this.stored = mergeStates(this.stored, run.states.slice(0, ordinal + 1));
  }

  /** The user clears a stream: nothing of it is stored, and the destinations forget it. */
  clear(name: string): void {
    this.stored = withoutStream(this.stored, name);
    for (const destination of [this.everything, this.committed]) destination.clear(name);
  }

  /** A whole sync: run to the end, store its last STATE. */
  async sync(options: SyncOptions = {}): Promise<RunResult> {
    const run = await this.run(options);
    this.store(run);
    return run;
  }

  /** What is wrong with the destinations when compared with the database row for row; empty when all is well. */
  async differences(tables: readonly TableSpec[]): Promise<string[]> {
    const found: string[] = [];
    for (const table of tables) {
      const rows = await this.database.rows(table);
      found.push(...this.everything.differences(table.name, rows).map(text => `everything printed: ${text}`));
      found.push(...this.committed.differences(table.name, rows).map(text => `up to the stored state: ${text}`));
    }
    return [...found, ...this.committed.backwards];
  }

  async expectEqual(tables: readonly TableSpec[]): Promise<void> {
    const found = await this.differences(tables);
    if (found.length > 0) throw new Error(`destination and database differ:\n  ${found.join('\n  ')}`);
  }
}

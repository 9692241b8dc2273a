import { ConnectorError } from '../../../contract/errors.ts';
import type { Json, JsonObject } from '../../../contract/ids.ts';
import type { TextDefaults } from './column-definition.ts';
import type { TableLayout } from './column-layout.ts';
import { layoutFromJson, layoutToJson } from './column-layout.ts';
import type { SqlDialect, TableName } from './sql-tokens.ts';

export interface LayoutRules extends SqlDialect {
  /** `@@lower_case_table_names`: 0 tells names apart by case. */
  readonly lowerCaseTableNames: 0 | 1 | 2;
  /** `@@explicit_defaults_for_timestamp`. */
  readonly timestampsNullable: boolean;
}

/** A table whose columns are known, or of which is known why they are not. */
export type KnownTable =
  | { readonly layout: TableLayout }
  /** `versioned`: it has, or had, system versioning. */
  | { readonly table: TableName; readonly why: string; readonly versioned?: boolean };

/** Tables that are not followed are kept while they may take a followed one's name (gh-ost, pt-osc), the latest of them. */
const MOST_OTHERS = 100;
/** Characters of their layouts together: they stand in every state. */
const MOST_OTHER_CHARACTERS = 64 * 1024;

/**
 * The layouts of the followed tables at a place in the log, moved on by the statements of the log (`followStatement`). Needed where TABLE_MAP
 * has no names (`binlog_row_metadata=MINIMAL`), useful where it has: `tinyint(1)`, `uuid` and generated columns stand in
 * none. It knows beside them the tables of the same databases that the log has made since, for one of them may be renamed to a
 * followed name.
 */
export class LayoutCatalog {
  readonly rules: LayoutRules;
  readonly #followed: ReadonlyMap<string, TableName>;
  readonly #schemas: ReadonlySet<string>;
  readonly #tables = new Map<string, KnownTable>();
  /** Of those that are not followed, the characters of the layout, the latest last. */
  readonly #otherSizes = new Map<string, number>();
  /** Followed tables that the log has dropped or renamed away. */
  readonly #absent = new Set<string>();
  /** Character set and collation of tables that say none, by database. */
  readonly #databases = new Map<string, TextDefaults>();

  constructor(options: {
    readonly rules: LayoutRules;
    readonly followed: readonly TableName[];
    readonly layouts: readonly TableLayout[];
    /** information_schema.SCHEMATA: DEFAULT_CHARACTER_SET_NAME and DEFAULT_COLLATION_NAME by SCHEMA_NAME. */
    readonly databases: Readonly<Record<string, TextDefaults>>;
  }) {
    this.rules = options.rules;
    this.#followed = new Map(options.followed.map(table => [this.keyOf(table), table]));
    this.#schemas = new Set(options.followed.map(table => this.fold(table.schema)));
    for (const layout of options.layouts) this.set(layout);
    for (const [name, defaults] of Object.entries(options.databases)) this.#databases.set(this.fold(name), defaults);
  }

  /** Restores what `toJson` gave. Throws STATE_INVALID. */
  static fromJson(
    json: JsonObject,
    options: { readonly rules: LayoutRules; readonly followed: readonly TableName[] },
  ): LayoutCatalog {
    const { layouts = [], databases = {}, absent = [], unknown = [] } = json as Readonly<Record<string, unknown>>;
    if (!Array.isArray(layouts) || !Array.isArray(absent) || !Array.isArray(unknown) || !areDefaults(databases)) {
      throw new ConnectorError(
        'STATE_INVALID',
        `the layouts of tables are not ones that this connector wrote: ${JSON.stringify(json)}.`,
      );
    }
    const catalog = new LayoutCatalog({ ...options, layouts: layouts.map(layoutFromJson), databases });
    for (const key of absent) if (catalog.#followed.has(String(key))) catalog.#absent.add(String(key));
    for (const entry of unknown as readonly Readonly<Record<string, unknown>>[]) {
      const table = { schema: String(entry['schema']), name: String(entry['name']) };
      catalog.put(table, { table, why: String(entry['why']) });
    }
    return catalog;
  }

  /** The small form for the state. */
  toJson(): JsonObject {
    const known = [...this.#tables.values()];
    const layouts: Json[] = known.flatMap(entry => ('layout' in entry ? [layoutToJson(entry.layout)] : []));
    const unknown: Json[] = known.flatMap(entry => ('layout' in entry ? [] : [{ ...entry.table, why: entry.why }]));
    const databases: Json = Object.fromEntries(
      [...this.#databases].map(([name, { charset, collation }]) => [name, { charset, collation }]),
    );
    return {
      layouts,
      databases,
      ...(this.#absent.size > 0 ? { absent: [...this.#absent] } : {}),
      ...(unknown.length > 0 ? { unknown } : {}),
    };
  }

  /** As `toJson`, of tables that are not followed; null: there are none. */
  others(): JsonObject | null {
    const { layouts = [], unknown = [], databases = {} } = this.toJson();
    const isOther = (json: Json): boolean => {
      const { schema, name } = json as { schema: string; name: string };
      return !this.isFollowed({ schema, name });
    };
    const made = (layouts as readonly Json[]).filter(isOther);
    const lost = (unknown as readonly Json[]).filter(isOther);
    if (made.length === 0 && lost.length === 0) return null;
    return { layouts: made, databases, ...(lost.length > 0 ? { unknown: lost } : {}) };
  }

  /** The layout of a table at this place in the log; or why it is not known; undefined: nothing was heard of it. */
  find(table: TableName): KnownTable | undefined {
    return this.#tables.get(this.keyOf(table));
  }

  isFollowed(table: TableName): boolean {
    return this.#followed.has(this.keyOf(table));
  }

  /** Whether the log said last that the followed table is not there. */
  isAbsent(table: TableName): boolean {
    return this.#absent.has(this.keyOf(table));
  }

  /** Whether the database holds a followed table: only its tables are kept. */
  isOurs(schema: string): boolean {
    return this.#schemas.has(this.fold(schema));
  }

  databaseDefaults(schema: string): TextDefaults | null {
    return this.#databases.get(this.fold(schema)) ?? null;
  }

  setDatabaseDefaults(schema: string, defaults: TextDefaults | null): void {
    if (defaults === null) this.#databases.delete(this.fold(schema));
    else this.#databases.set(this.fold(schema), defaults);
  }

  /** Takes the layout from elsewhere: information_schema, or a TABLE_MAP that names its columns. */
  set(layout: TableLayout): void {
    this.put(layout, { layout });
  }

  put(table: TableName, entry: KnownTable): void {
    const key = this.keyOf(table);
    this.#absent.delete(key);
    // The latest are last.
    this.#tables.delete(key);
    this.#tables.set(key, entry);
    this.#otherSizes.delete(key);
    if (!this.#followed.has(key)) this.#otherSizes.set(key, 'layout' in entry ? JSON.stringify(entry.layout).length : 0);
    this.#dropOldest();
  }

  /** The table is gone. */
  forget(table: TableName): void {
    const key = this.keyOf(table);
    this.#tables.delete(key);
    this.#otherSizes.delete(key);
    if (this.#followed.has(key)) this.#absent.add(key);
  }

  get followed(): readonly TableName[] {
    return [...this.#followed.values()];
  }

  /** Every table of which something is known. */
  get known(): readonly TableName[] {
    return [...this.#tables.values()].map(entry => {
      const { schema, name } = 'layout' in entry ? entry.layout : entry.table;
      return { schema, name };
    });
  }

  keyOf({ schema, name }: TableName): string {
    return `${this.fold(schema)}\0${this.fold(name)}`;
  }

  /** One spelling for names that the server takes for one. */
  fold(name: string): string {
    return this.rules.lowerCaseTableNames === 0 ? name : name.toLowerCase();
  }

  /** One that is dropped and renamed to a followed name later is a table whose columns are not known. */
  #dropOldest(): void {
    let characters = 0;
    for (const size of this.#otherSizes.values()) characters += size;
    for (const [key, size] of this.#otherSizes) {
      if (this.#otherSizes.size <= MOST_OTHERS && characters <= MOST_OTHER_CHARACTERS) return;
      characters -= size;
      this.#otherSizes.delete(key);
      this.#tables.delete(key);
    }
  }
}

function areDefaults(value: unknown): value is Readonly<Record<string, TextDefaults>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((entry: unknown) => {
    const { charset, collation } = (entry ?? {}) as Partial<Record<string, unknown>>;
    return typeof charset === 'string' && (collation === null || typeof collation === 'string');
  });
}

import { afterEach, beforeEach } from 'vitest';
import type { TableSpec, TestBackend, TestDatabase, Values } from '../backend.ts';
import type { CatalogChoices } from '../catalog.ts';
import type { JsonObject } from '../messages.ts';
import { Platform } from '../platform.ts';
import { Random } from '../random.ts';
import { fill, keyFor, randomRow, workloadTables } from '../workload.ts';

const spec = (name: string): TableSpec => workloadTables.find(table => table.name === name) as TableSpec;
export const account = spec('account');
export const document = spec('document');
export const event = spec('event');
export const tables = workloadTables;
/** A table that no catalog of these tests names. */
export const other: TableSpec = { name: 'other', columns: { id: 'integer', text: 'text' }, primaryKey: ['id'] };

/** What each test of the suite starts with: a database of its own, and shorthand for changing rows in it. */
export class Scene {
  readonly backend: TestBackend;
  readonly database: TestDatabase;
  readonly random = new Random(4711);

  constructor(backend: TestBackend, database: TestDatabase) {
    this.backend = backend;
    this.database = database;
  }

  /** Creates the tables, each with rows numbered 1 up to `rows`. */
  async create(specs: readonly TableSpec[], rows: number): Promise<void> {
    for (const table of specs) {
      await this.database.createTable(table);
      if (rows > 0) await fill(this.database, table, 1, rows, this.random);
    }
  }

  connect(choices: CatalogChoices = {}, config?: JsonObject): Promise<Platform> {
    const options = config === undefined ? { choices } : { choices, config };
    return Platform.connect(this.database, this.backend.cursorColumn, options);
  }

  row(table: TableSpec, n: number): Values {
    return randomRow(table, n, this.random);
  }

  /** Some of every kind of change in each table: rows 1 to 5 must be there, `fresh` upwards must not. */
  async change(specs: readonly TableSpec[], fresh: number): Promise<void> {
    const session = await this.database.session();
    try {
      for (const table of specs) {
        const others = ([n]: readonly [number]): Values => {
          const row = Object.entries(this.row(table, n)).filter(([name]) => !table.primaryKey.includes(name));
          return Object.fromEntries(row);
        };
        await session.insert(table, [this.row(table, fresh), this.row(table, fresh + 1)]);
        await session.update(table, keyFor(table, 1), others([1]));
        await session.begin();
        await session.update(table, keyFor(table, 2), others([2]));
        await session.update(table, keyFor(table, 2), others([2]));
        await session.delete(table, keyFor(table, 3));
        await session.insert(table, [this.row(table, 3)]);
        await session.commit();
        await session.begin();
        await session.delete(table, keyFor(table, 4));
        await session.insert(table, [this.row(table, fresh + 2)]);
        await session.rollback();
        if (!this.backend.lacks.includes('key change'))
          await session.update(table, keyFor(table, fresh), keyFor(table, fresh + 3));
        await session.delete(table, keyFor(table, fresh + 1));
      }
    } finally {
      await session.close();
    }
  }
}

/** A fresh scene for each test of the surrounding `describe`. */
export const useScene = (backend: TestBackend): (() => Scene) => {
  let scene: Scene | null = null;
  beforeEach(async () => {
    scene = new Scene(backend, await backend.open());
  });
  afterEach(async () => {
    await scene?.database.drop();
    scene = null;
  });
  return () => {
    if (scene === null) throw new Error('no scene outside of a test');
    return scene;
  };
};

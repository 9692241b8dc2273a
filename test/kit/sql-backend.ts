/** What the backends of databases with SQL have in common. */
import type { BrokenConfig, ColumnKind, Session, TableSpec, Values } from './backend.ts';
import type { Row } from './destination.ts';
import type { Json, JsonObject } from './messages.ts';

/** White space of JSON text that stands outside of its strings means nothing, and the connector prints none. */
export const compactJson = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, found => (found[0] === '"' ? found : ''));

/** A session whose transactions and savepoints are those of the standard. */
export abstract class SqlSession implements Session {
  #savepoints = 0;

  async begin(): Promise<void> {
    this.#savepoints = 0;
    await this.run('START TRANSACTION');
  }
  async commit(): Promise<void> {
    await this.run('COMMIT');
  }
  async rollback(): Promise<void> {
    await this.run('ROLLBACK');
  }
  async savepoint(): Promise<void> {
    await this.run(`SAVEPOINT s${++this.#savepoints}`);
  }
  async rollbackTo(): Promise<void> {
    const name = `s${this.#savepoints--}`;
    await this.run(`ROLLBACK TO SAVEPOINT ${name}; RELEASE SAVEPOINT ${name}`);
  }

  /** One statement, or several without values; gives how many rows it found. */
  protected abstract run(sql: string, values?: unknown[]): Promise<number | null>;

  /** A statement that must find one row, no more and no less. */
  protected async one(sql: string, values: unknown[]): Promise<void> {
    const found = await this.run(sql, values);
    if (found !== 1) throw new Error(`${found} rows instead of one: ${sql} ${JSON.stringify(values).slice(0, 200)}`);
  }

  abstract insert(table: TableSpec, rows: readonly Values[]): Promise<void>;
  abstract update(table: TableSpec, key: Values, set: Values): Promise<void>;
  abstract delete(table: TableSpec, key: Values): Promise<void>;
  abstract close(): Promise<void>;
}

/** Rows in the words of records, from the server's text of each column. */
export const rowsOfTexts = (
  { columns }: TableSpec,
  rows: readonly (readonly (string | null)[])[],
  canonical: Readonly<Record<ColumnKind, (text: string) => Json>>,
): Row[] =>
  rows.map(row =>
    Object.fromEntries(
      Object.entries(columns).map(([name, kind], index) => {
        const text = row[index] ?? null;
        return [name, text === null ? null : canonical[kind](text)] as const;
      }),
    ),
  );

/** What a user gets wrong. `unknownDatabase` names `no_such_database` in the engine's way; nobody listens at `closedPort`. */
export const brokenConfigs = (
  config: (source: JsonObject) => JsonObject,
  unknownDatabase: JsonObject,
  closedPort: number,
): readonly BrokenConfig[] => {
  const broken = (label: string, source: JsonObject, failureType: BrokenConfig['failureType'], says: RegExp): BrokenConfig => ({
    label,
    config: config(source),
    failureType,
    says,
  });
  return [
    broken('wrong password', { password: 'Wrong~Secret-0815' }, 'config_error', /password|credential/i),
    broken('unknown user', { username: 'no_such_user' }, 'config_error', /no_such_user|credential/i),
    broken('unknown database', unknownDatabase, 'config_error', /no_such_database/),
    broken('unknown host', { host: 'no-such-host.invalid' }, 'config_error', /no-such-host\.invalid/),
    broken('nobody listens', { port: closedPort }, 'transient_error', new RegExp(String(closedPort))),
  ];
};

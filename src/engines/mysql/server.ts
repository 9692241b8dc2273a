import { ConnectorError } from '../../contract/errors.ts';
import type { Query } from './sql.ts';

/** What is to be known of a server before anything else is asked. */
export interface ServerFacts {
  readonly flavor: 'mysql' | 'mariadb';
  /** 80036 for 8.0.36, 101118 for 10.11.18. */
  readonly version: number;
  /** As the server says it: `10.11.18-MariaDB-log`. */
  readonly versionText: string;
  /** `@@lower_case_table_names`: 0 tells names of databases and tables apart by case. */
  readonly lowerCaseTableNames: 0 | 1 | 2;
  /** `@@explicit_defaults_for_timestamp`: off, a TIMESTAMP column that says nothing is NOT NULL. */
  readonly explicitTimestamps: boolean;
}

export const OLDEST = { mysql: 8_00_00, mariadb: 10_05_00 } as const;

/** `8.0.36-0ubuntu0.22.04.1`, `5.5.5-10.6.14-MariaDB` (as old replication clients want it), `8.0.mysql_aurora.3.08.0`. */
export function parseVersion(text: string): number {
  const [, major = '0', minor = '0', patch = '0'] =
    /^(?:5\.5\.5-(?=\d+\.\d+\.\d+-MariaDB))?(\d+)\.(\d+)(?:\.(\d+))?/i.exec(text) ?? [];
  return Number(major) * 10_000 + Number(minor) * 100 + Number(patch);
}

const FACTS = `
  SELECT VERSION() AS version, @@version_comment AS comment, @@lower_case_table_names AS names,
         @@explicit_defaults_for_timestamp AS timestamps`;

type FactsRow = Readonly<Record<'version' | 'comment' | 'names' | 'timestamps', string>>;

export async function readServer(query: Query): Promise<ServerFacts> {
  const [row] = await query.rows<FactsRow>(FACTS);
  if (row === undefined) throw new ConnectorError('INVARIANT', 'The server does not say its version.');
  const names = Number(row.names);
  return {
    flavor: /mariadb/i.test(`${row.version} ${row.comment}`) ? 'mariadb' : 'mysql',
    version: parseVersion(row.version),
    versionText: row.version,
    lowerCaseTableNames: names === 1 || names === 2 ? names : 0,
    explicitTimestamps: row.timestamps === '1',
  };
}

/** Why the server is too old, or null. */
export function versionProblem({ flavor, version, versionText }: ServerFacts): string | null {
  if (version >= OLDEST[flavor]) return null;
  const [name, oldest] = flavor === 'mysql' ? ['MySQL', '8.0'] : ['MariaDB', '10.5'];
  return `The server is ${name} ${versionText}; version ${oldest} or newer is needed.`;
}

/** The statement that says where the log is. From 8.2 on MySQL has another name for it, from 8.4 on only that. */
export const showLogStatus = ({ flavor, version }: Pick<ServerFacts, 'flavor' | 'version'>): string =>
  flavor === 'mysql' && version >= 8_02_00 ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';

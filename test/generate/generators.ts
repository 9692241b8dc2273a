import { ENGINES } from '../../src/cli/registry.ts';
import { specification } from '../../src/cli/spec.ts';
import { errorDocs } from './errors.ts';
import { mariadbTypeDocs, mysqlTypeDocs } from './mysql-types.ts';
import { postgresTypeDocs } from './postgres-types.ts';

export interface GeneratedFile {
  /** Relative to the repository. */
  readonly path: string;
  readonly content: string;
}

/** Makes committed files out of the source they describe. Must give the same bytes each time. */
export type Generator = () => Promise<readonly GeneratedFile[]>;

const spec: Generator = async () => {
  const engines = await Promise.all(Object.values(ENGINES).map(load => load()));
  return [{ path: 'spec/spec.json', content: `${JSON.stringify(specification(engines), null, 2)}\n` }];
};

const errors: Generator = async () => [{ path: 'docs/errors.md', content: errorDocs() }];

const postgresTypes: Generator = async () => [{ path: 'docs/types/postgres.md', content: postgresTypeDocs() }];

const mysqlTypes: Generator = async () => [
  { path: 'docs/types/mysql.md', content: mysqlTypeDocs() },
  { path: 'docs/types/mariadb.md', content: mariadbTypeDocs() },
];

/** Add a generator here: `npm run generate` writes its files, `npm run check` fails when they are out of date. */
export const GENERATORS: readonly Generator[] = [spec, errors, postgresTypes, mysqlTypes];

import { randomBytes } from 'node:crypto';
import type { TypeDatabase } from '../../../kit/type-cases.ts';
import type { PostgresDatabase } from '../backend.ts';

/** Everything that changes how the server prints a value, each as far from the connector's choice as it goes. */
const SETTINGS: Readonly<Record<string, string>> = {
  datestyle: "'SQL, DMY'",
  intervalstyle: 'iso_8601',
  timezone: "'Asia/Kathmandu'",
  extra_float_digits: '-15',
  bytea_output: 'escape',
  quote_all_identifiers: 'on',
  search_path: 'public, "Types of ours", extensions, pg_catalog',
  client_encoding: 'latin1',
  xmlbinary: 'hex',
  xmloption: 'document',
  array_nulls: 'off',
  standard_conforming_strings: 'off',
  backslash_quote: 'on',
  transform_null_equals: 'on',
};

/**
 * The database as a role of its own reads it, for whom, in this database, every setting is unlike the connector's. Rows
 * are written under settings of the server, so that literals mean what they say.
 */
export const unlikeSettings = async (database: PostgresDatabase): Promise<TypeDatabase> => {
  const role = `${database.name}_reader`;
  const password = randomBytes(12).toString('hex');
  await database.query(`CREATE ROLE ${role} LOGIN SUPERUSER REPLICATION PASSWORD '${password}'`);
  for (const [name, value] of Object.entries(SETTINGS)) {
    // The setting of a role in a database wins over that of the role: both are there, and a third of the role alone.
    await database.query(`ALTER ROLE ${role} IN DATABASE ${database.name} SET ${name} = ${value}`);
    await database.query(`ALTER ROLE ${role} SET ${name} = ${value}`);
  }
  return {
    config: () => database.config({ source: { username: role, password } }),
    query: sql => database.query(sql),
    drop: async () => {
      const { server, name } = database;
      await server.query(name, `REASSIGN OWNED BY ${role} TO ${server.username}; DROP OWNED BY ${role}`);
      await database.drop();
      await server.query('postgres', `DROP ROLE ${role}`);
    },
  };
};

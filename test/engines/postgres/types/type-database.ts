import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../../../kit/messages.ts';
import type { PostgresMajor } from '../../../kit/servers/postgres.ts';
import type { TypeCaseOptions, TypeDatabase } from '../../../kit/type-cases.ts';
import { type PostgresDatabase, postgresBackend } from '../backend.ts';

/** A database of one's own, its statements run by the superuser in one session. */
const sessionOf = async (database: PostgresDatabase, source: JsonObject): Promise<TypeDatabase> => {
  const client = await database.server.client(database.name);
  return {
    config: () => database.config({ source }),
    query: async sql => (await client.query(sql)).rows,
    drop: async () => {
      await client.end();
      await database.drop();
    },
  };
};

/** The kit's type cases on PostgreSQL, with more lines for `source` in the config. */
export const onPostgres = (major: PostgresMajor, source: JsonObject = {}): Omit<TypeCaseOptions, 'families'> => ({
  version: major,
  open: async () => sessionOf(await postgresBackend(major).open(), source),
  offers: async (database, extension) => {
    const found = await database.query(`SELECT FROM pg_available_extensions WHERE name = '${extension}'`);
    return Array.isArray(found) && found.length > 0;
  },
  logOldRow: table => `ALTER TABLE ${table} REPLICA IDENTITY FULL`,
});

/** Everything that changes how the server prints a value, each as far from the connector's choice as it goes. */
const UNLIKE: Readonly<Record<string, string>> = {
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
  transform_null_equals: 'on',
};

/** Values whose text depends on a setting, and that text under those above. */
const SAMPLES: Readonly<Record<string, string>> = {
  "'2024-02-01'::date": '01/02/2024',
  "interval '1 day'": 'P1D',
  "'0.1234567'::float8": '0.1',
  "'\\x01'::bytea": '\\001',
  "'2024-02-01 00:00:00+00'::timestamptz": '01/02/2024 05:45:00 +0545',
  "'pg_class'::regclass": '"pg_class"',
};

/** Throws unless a session of the role, left to itself, prints values under those settings: the test would prove nothing. */
const expectUnlike = async (database: PostgresDatabase, user: string, password: string): Promise<void> => {
  const client = await database.server.client(database.name, { user, password });
  for (const [value, text] of Object.entries(SAMPLES)) {
    const [row]: { text: string }[] = (await client.query(`SELECT (${value})::text AS text`)).rows;
    if (row?.text !== text) throw new Error(`${value} is ${row?.text} and not ${text} under the settings of the role`);
  }
  await client.end();
};

/**
 * The same, but the connector logs in as a role for which, in this database, every setting is unlike the connector's. Rows
 * are still written by the superuser, so that literals mean what they say.
 */
export const underUnlikeSettings = (major: PostgresMajor): Omit<TypeCaseOptions, 'families'> => ({
  ...onPostgres(major),
  open: async () => {
    const database = await postgresBackend(major).open();
    const { server, name } = database;
    const role = `${name}_reader`;
    const password = randomBytes(12).toString('hex');
    const plain = await sessionOf(database, { username: role, password });
    await plain.query(`CREATE ROLE ${role} LOGIN SUPERUSER REPLICATION PASSWORD '${password}'`);
    for (const [setting, value] of Object.entries(UNLIKE)) {
      await plain.query(`ALTER ROLE ${role} SET ${setting} = ${value}`);
      await plain.query(`ALTER ROLE ${role} IN DATABASE ${name} SET ${setting} = ${value}`);
    }
    await expectUnlike(database, role, password);
    return {
      ...plain,
      drop: async () => {
        await plain.query(`REASSIGN OWNED BY ${role} TO ${server.username}`);
        await plain.query(`DROP OWNED BY ${role}`);
        await plain.drop();
        await server.query('postgres', `DROP ROLE ${role}`);
      },
    };
  },
});

import { expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import { brief, createTwo, failureOf, inLab, itOn, type Lab, table, thing } from './lab.ts';

/**
 * A type whose output function asks the database, as those of pointcloud do: it prints the number of a rule, and for that
 * the server runs a query, which a walsender cannot.
 */
const createMute = (name: string): string =>
  `CREATE TYPE ${name}; CREATE FUNCTION ${name}_in(cstring) RETURNS ${name} LANGUAGE internal IMMUTABLE STRICT AS 'oidin';
   CREATE FUNCTION ${name}_out(${name}) RETURNS cstring LANGUAGE internal STABLE STRICT AS 'pg_get_ruledef';
   CREATE TYPE ${name} (INPUT = ${name}_in, OUTPUT = ${name}_out, LIKE = oid);`;
const rule = (type: string): string => `(SELECT min(oid)::text::${type} FROM pg_rewrite)`;

const scan = table('scan', { id: 'integer', note: 'text', data: 'text' });

/** The statements of a message, in order. */
const statements = (message: string, kind: string): readonly string[] =>
  [...message.matchAll(new RegExp(`${kind} [^;]*;`, 'g'))].map(([sql]) => sql);

/** Read once; then a change that the server cannot send, behind one of another table. */
const stuck = async (lab: Lab): Promise<string> => {
  await lab.sql(`${createMute('mute')} ${createTwo} CREATE TABLE scan (id bigint PRIMARY KEY, note text, data mute);
    INSERT INTO scan VALUES (1, 'first', NULL)`);
  const platform = await lab.connect({ streams: ['thing', 'scan'] });
  await platform.sync();
  await lab.sql(`INSERT INTO thing VALUES (3, 'three'); INSERT INTO scan VALUES (2, 'second', ${rule('mute')})`);
  const failed = await platform.run({ mayFail: true });
  expect(brief(failed, 'thing', 'id'), 'what comes before is read').toEqual(['3']);
  const again = failureOf(await platform.run({ mayFail: true }));
  expect(again).toBe(failureOf(failed));
  return again;
};

describePostgres(major => {
  it(
    'a change that the server cannot send is an error that names table, column and the way out, which works',
    inLab(major, async lab => {
      const { name } = lab.database;
      const failure = await stuck(lab);
      expect(failure).toMatch(
        /^config_error \/ CHANGE_UNSENDABLE: .*SQLSTATE XX000.* a change of public\.scan \("data" public\.mute\)\./,
      );
      const drop = `ALTER PUBLICATION "${name}" DROP TABLE "public"."scan";`;
      const without = `ALTER PUBLICATION "${name}" ADD TABLE "public"."scan" ("id", "note");`;
      expect(statements(failure, 'ALTER')).toEqual(major < 15 ? [drop] : [drop, without, drop]);
      await lab.sql('DELETE FROM scan WHERE id = 2');
      for (const sql of statements(failure, 'ALTER').slice(0, 2)) await lab.sql(sql);
      for (const sql of statements(failure, 'SELECT')) await lab.sql(sql);
      const modes = major < 15 ? { scan: 'full_refresh' as const } : {};
      const fresh = await lab.connect({ streams: ['thing', 'scan'], modes });
      await fresh.sync();
      await lab.sql(`INSERT INTO scan VALUES (3, 'third', ${rule('mute')}); UPDATE thing SET text = 'uno' WHERE id = 1`);
      await lab.sql('UPDATE scan SET data = NULL WHERE id = 3');
      const run = await fresh.sync();
      expect(brief(run, 'thing', 'id', 'text')).toEqual(['1 "uno"']);
      await fresh.expectEqual(major < 15 ? [thing] : [thing, scan]);
    }),
  );

  it(
    'a change that comes behind others names every table that it may be of',
    inLab(major, async lab => {
      await lab.sql(`${createMute('mute')} ${createTwo} CREATE TABLE scan (id bigint PRIMARY KEY, data mute);
        CREATE TABLE scans (id bigint PRIMARY KEY, data mute[])`);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql(`INSERT INTO scan VALUES (1, NULL); INSERT INTO scans VALUES (1, NULL); INSERT INTO thing VALUES (3, 'three');
        INSERT INTO scans VALUES (2, ARRAY[${rule('mute')}])`);
      const failure = failureOf(await platform.run({ mayFail: true }));
      expect(failure).toContain('It is a change of public.scan ("data" public.mute) or public.scans ("data" public.mute[]).');
    }),
  );

  it(
    'a table with a type of which that is known is never put into the publication; without the column it is followed',
    inLab(major, async lab => {
      await lab.sql(`${createMute('pcpatch')} CREATE DOMAIN patches AS pcpatch[];
        CREATE TABLE scan (id bigint PRIMARY KEY, note text, data patches); INSERT INTO scan VALUES (1, 'first', NULL)`);
      const platform = await lab.connect();
      const [stream] = platform.catalog.streams;
      expect([stream?.stream.name, stream?.stream.supported_sync_modes]).toEqual(['scan', ['full_refresh']]);
      await platform.run();
      if (major < 15) return;
      await lab.sql(`CREATE PUBLICATION ${lab.database.name} FOR TABLE scan (id, note)`);
      const followed = await lab.connect();
      await followed.sync();
      await lab.sql("INSERT INTO scan VALUES (2, 'second', NULL)");
      expect(brief(await followed.sync(), 'scan', 'id', 'data')).toEqual(['2 null']);
    }),
  );

  itOn(18, major, 'a row filter that cannot be computed is an error that names the table', () =>
    inLab(major, async lab => {
      const { name } = lab.database;
      await lab.sql(`${createTwo} CREATE PUBLICATION ${name} FOR TABLE thing WHERE (6 / id > 0)`);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql("INSERT INTO thing VALUES (0, 'zero')");
      const failure = failureOf(await platform.run({ mayFail: true }));
      expect(failure).toMatch(
        /^config_error \/ CHANGE_UNSENDABLE: .*division by zero.* a change of public\.thing\..* row filter .* DROP TABLE "public"\."thing";/,
      );
    })(),
  );
});

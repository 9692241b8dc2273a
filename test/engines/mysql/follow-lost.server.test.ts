import { expect, it } from 'vitest';
import { streamStates } from '../../kit/catalog.ts';
import { statusesOf } from '../../kit/lab.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { createThing, failureOf, inLab, type Lab, table, thing } from './lab.ts';

const other = table('other', { id: 'integer', text: 'text' });

const begin = (lab: Lab): Promise<unknown> =>
  lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'one', 1), (2, 'two', 2);
    CREATE TABLE other (id bigint PRIMARY KEY, text longtext); INSERT INTO other VALUES (1, 'one')`);

/** The user, who has the name of the database, may see these columns of `thing` alone. */
const shown = (name: string, columns: string): string =>
  `REVOKE SELECT ON ${name}.* FROM '${name}'@'%'; GRANT SELECT (${columns}) ON ${name}.thing TO '${name}'@'%';
   GRANT SELECT ON ${name}.other TO '${name}'@'%'`;

/** What keeps a table from being followed. */
const turns: Readonly<Record<string, (name: string) => string>> = {
  'a column is hidden': name => shown(name, 'id, n'),
  'the last column is hidden': name => shown(name, 'id, text'),
  'a MERGE table has the name': () =>
    `RENAME TABLE thing TO away; CREATE TABLE part (id bigint NOT NULL, text longtext, n bigint, KEY (id)) ENGINE = MyISAM;
     CREATE TABLE thing (id bigint NOT NULL, text longtext, n bigint, KEY (id)) ENGINE = MRG_MyISAM UNION = (part)`,
};

describeMysql(flavor => {
  const all =
    flavor === 'mariadb' ? { ...turns, 'it is system-versioned': () => 'ALTER TABLE thing ADD SYSTEM VERSIONING' } : turns;

  it.each(Object.entries(all))('a followed table of which %s stops the read before anything moves', (_, turn) =>
    inLab(
      () => acquireMysql(flavor),
      async lab => {
        await begin(lab);
        const platform = await lab.connect();
        await platform.sync();
        const at = streamStates(platform.stored);
        await lab.sql("UPDATE thing SET text = 'uno' WHERE id = 1; UPDATE other SET text = 'uno'");
        await lab.sql(turn(lab.database.name));
        await lab.sql("UPDATE other SET text = 'due'");
        for (let attempt = 0; attempt < 2; attempt++) {
          const run = await platform.run({ mayFail: true });
          expect(failureOf(run)).toMatch(/^config_error \/ REPLICA_IDENTITY_MISSING: .*\.thing/);
          expect(run.records).toEqual([]);
          platform.store(run);
          expect(streamStates(platform.stored)).toEqual(at);
        }
      },
    )(),
  );

  it(
    'what was changed while a column was hidden comes when it is shown again',
    inLab(
      () => acquireMysql(flavor),
      async lab => {
        const { name } = lab.database;
        await begin(lab);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(turns['a column is hidden']?.(name) ?? '');
        await lab.sql("UPDATE thing SET text = 'unseen', n = 3 WHERE id = 1; DELETE FROM thing WHERE id = 2");
        platform.store(await platform.run({ mayFail: true }));
        await lab.sql(`GRANT SELECT ON ${name}.* TO '${name}'@'%'`);
        await platform.sync();
        await platform.expectEqual([thing, other]);
      },
    ),
  );

  it(
    'a table that was never followed, and cannot be, fails by itself: all others are read, and their states are written',
    inLab(
      () => acquireMysql(flavor),
      async lab => {
        const { name } = lab.database;
        await begin(lab);
        const platform = await lab.connect();
        await lab.sql(turns['a column is hidden']?.(name) ?? '');
        for (const text of ['uno', 'due']) {
          await lab.sql(`UPDATE other SET text = '${text}'`);
          const run = await platform.run({ mayFail: true });
          expect(failureOf(run)).toMatch(/^config_error \/ REPLICA_IDENTITY_MISSING: .*\.thing/);
          expect(statusesOf(run, 'thing')).toEqual(['STARTED', 'INCOMPLETE']);
          expect(statusesOf(run, 'other')).toEqual(['STARTED', 'RUNNING', 'COMPLETE']);
          expect(run.records.map(({ stream, data }) => [stream, data['text']])).toEqual([['other', text]]);
          platform.store(run);
        }
        await lab.sql(`GRANT SELECT ON ${name}.* TO '${name}'@'%'`);
        await platform.sync();
        await platform.expectEqual([thing, other]);
      },
    ),
  );
});

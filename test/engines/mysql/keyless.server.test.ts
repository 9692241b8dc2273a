import { describe, expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { brief, CURSOR, inLab, type Lab } from './lab.ts';

describeMysql(flavor => {
  describe.each(rowMetadataOf(flavor))('a table without a key, binlog_row_metadata %s', metadata => {
    const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor, metadata), body);

    it(
      'has every change of the log printed, also of one of twins; what went has all its values',
      lab(async lab => {
        await lab.sql(
          "CREATE TABLE note (a bigint, b longtext); INSERT INTO note VALUES (1, 'x'), (1, 'x'), (NULL, NULL), (2, 'y')",
        );
        const platform = await lab.connect();
        const first = await platform.run();
        expect(brief(first, 'note', 'a', 'b').sort()).toEqual(['1 "x"', '1 "x"', '2 "y"', 'null null']);
        await lab.sql(`INSERT INTO note VALUES (3, 'z'), (3, 'z'); UPDATE note SET b = 'changed' WHERE a = 1 LIMIT 1;
          DELETE FROM note WHERE a = 3 LIMIT 1; DELETE FROM note WHERE a IS NULL`);
        platform.stored = first.states.slice(-1); // there is no destination that could tell these rows apart
        const run = await platform.run();
        expect(brief(run, 'note', 'a', 'b')).toEqual(['3 "z"', '3 "z"', '1 "changed"', 'gone 3 "z"', 'gone null null']);
        const order = run.records.map(({ data }) => Number(data[CURSOR]));
        expect(order).toEqual([...new Set(order)].sort((one, other) => one - other));
        platform.stored = run.states.slice(-1);
        expect((await platform.run()).records).toEqual([]);
      }),
    );

    it(
      'has the generated columns that the log has, virtual ones too; what it lacks is said',
      lab(async lab => {
        await lab.sql(
          'CREATE TABLE loose (a int, v int AS (a + 1) VIRTUAL, s int AS (a + 2) STORED); INSERT INTO loose (a) VALUES (1)',
        );
        const platform = await lab.connect();
        platform.stored = (await platform.run()).states.slice(-1);
        await lab.sql('INSERT INTO loose (a) VALUES (5); UPDATE loose SET a = 7 WHERE a = 1; DELETE FROM loose WHERE a = 5');
        const run = await platform.run();
        const logged = flavor === 'mysql' || (await lab.server.isMariadb10());
        const expected = logged ? ['5 6 7', '7 8 9', 'gone 5 6 7'] : ['5 6 7', '7 null null', 'gone 5 - -'];
        expect(brief(run, 'loose', 'a', 'v', 's')).toEqual(expected);
        const noted = run.records.map(({ meta }) => (meta?.changes ?? []).map(({ field }) => field));
        expect(noted).toEqual(logged ? [[], [], []] : [[], ['v', 's'], []]);
      }),
    );
  });
});

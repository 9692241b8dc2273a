import { expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { failureOf, inLab, type Lab } from './lab.ts';

/** Ways to change rows that the log has as a text that begins otherwise, or names no table. */
const ways = [
  { way: 'SELECT raise()' },
  { way: 'DO raise()' },
  { way: 'SET @done = raise()' },
  { way: 'CALL by_procedure()' },
  { way: 'SET STATEMENT max_statement_time = 60 FOR UPDATE thing SET a = a + 1', mariadb: true },
  { way: 'SET STATEMENT max_statement_time = 60 FOR SELECT raise()', mariadb: true },
  { way: "EXECUTE IMMEDIATE 'UPDATE thing SET a = a + 1'", mariadb: true },
];

describeMysql(flavor => {
  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor), body);

  it.each(ways.filter(({ mariadb }) => mariadb !== true || flavor === 'mariadb'))(
    '$way in a session that logs statements stops the read',
    ({ way }) =>
      lab(async lab => {
        await lab.sql('CREATE TABLE thing (id int PRIMARY KEY, a int); INSERT INTO thing VALUES (1, 10)');
        await lab.sql(
          'CREATE FUNCTION raise() RETURNS int DETERMINISTIC MODIFIES SQL DATA BEGIN UPDATE thing SET a = a + 1; RETURN 1; END',
        );
        await lab.sql('CREATE PROCEDURE by_procedure() UPDATE thing SET a = a + 1');
        const platform = await lab.connect({ streams: ['thing'] });
        expect((await platform.sync()).records).toHaveLength(1);
        // The same in a session that logs rows, as all should.
        await lab.sql(way);
        expect((await platform.sync()).records).toHaveLength(1);
        await lab.sql(`SET SESSION binlog_format = 'STATEMENT'; ${way}`);
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(
          /POSITION_LOST: .*Let every session write with binlog_format = ROW/,
        );
      })(),
  );
});

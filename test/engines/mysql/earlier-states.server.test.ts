import { expect, it } from 'vitest';
import { earlierForms, earlierState } from '../../kit/earlier-states.ts';
import { shardState } from '../../kit/lab.ts';
import type { Json } from '../../kit/messages.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import type { MysqlFlavor } from '../../kit/servers/mysql.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { inLab, type Lab, table } from './lab.ts';

const item = table('item', { id: 'integer', body: 'text', e: 'text', n: 'decimal' });
const columns = (collation: string): Json => [
  ['id', 'int', '', 0],
  ['body', 'longtext', 'utf8mb4', 1, '', collation],
  ['e', "enum('a','b')", 'utf8mb4', 1, '', collation],
  ['n', 'decimal(20,2) unsigned', '', 1],
];

/** A place in the log in the form of the first release. */
async function earlierPosition(lab: Lab, flavor: MysqlFlavor): Promise<Json> {
  if (flavor === 'mariadb') return { gtid_list: await lab.server.variable('gtid_binlog_pos') };
  return { gtid_set: (await lab.server.variable('gtid_executed')).replaceAll('\n', '') };
}

describeMysql(flavor => {
  for (const metadata of rowMetadataOf(flavor)) {
    it.each(earlierForms)(
      `a state of an earlier release is read on from (%s, binlog_row_metadata ${metadata})`,
      async form =>
        await inLab(
          () => acquireMysql(flavor, metadata),
          async lab => {
            await lab.sql(`
            CREATE TABLE item (id int PRIMARY KEY, body longtext, e enum('a','b'), n decimal(20,2) unsigned) CHARACTER SET utf8mb4;
            CREATE TABLE plain (id int PRIMARY KEY, note text);`);
            const rows = Array.from({ length: 500 }, (_, index) => index + 1);
            await lab.sql(`INSERT INTO item VALUES ${rows.map(id => `(${id}, 'x', 'a', 1.50)`).join(',')};
            INSERT INTO plain VALUES ${rows.map(id => `(${id}, 'n')`).join(',')}`);
            const choices = { streams: ['item', 'plain'], modes: { plain: 'full_refresh' as const } };
            const platform = await lab.connect(choices);
            await platform.sync();
            const { clock } = shardState<Json>(platform.stored);
            const [{ collation = '' } = {}] = (await lab.sql(
              `SELECT table_collation AS collation FROM information_schema.tables WHERE table_schema = '${lab.database.name}' AND table_name = 'item'`,
            )) as { collation?: string }[];
            platform.stored = earlierState('mysql', form, {
              ...{ database: lab.database.name, clock, collation, columns: columns(collation) },
              position: await earlierPosition(lab, flavor),
            });
            await lab.sql("UPDATE item SET body = 'new', e = 'b' WHERE id = 3; DELETE FROM item WHERE id = 499");

            const run = await platform.sync();
            const ids = (stream: string): readonly number[] =>
              run.records.filter(record => record.stream === stream).map(({ data }) => Number(data['id']));
            if (form === 'snapshot') {
              expect(ids('item').filter(id => id <= 300)).toEqual([3]);
              expect(ids('item').length).toBeGreaterThan(195);
              expect(ids('plain')).toEqual(Array.from({ length: 200 }, (_, n) => n + 301));
            } else {
              expect(ids('item')).toEqual([3, 499]);
            }
            await platform.expectEqual([item]);
          },
        )(),
    );
  }
});

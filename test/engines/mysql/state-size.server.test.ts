import { describe, expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { brief, inLab, type Lab } from './lab.ts';

const TABLES = 60;
const types = ['bigint', 'varchar(120)', 'decimal(12,2)', 'datetime(6)', "enum('new','open','closed')", 'tinyint(1)', 'text'];
const columns = Array.from({ length: 40 }, (_, at) => `order_field_${at} ${types[at % types.length]}`).join(', ');
const names = Array.from({ length: TABLES }, (_, at) => `orders_of_${at}`);

describeMysql(flavor => {
  describe.each(rowMetadataOf(flavor))('binlog_row_metadata %s', metadata => {
    it(
      'states grow by less than 300 bytes for a table of 41 columns, and are read on from',
      inLab(
        () => acquireMysql(flavor, metadata),
        async (lab: Lab) => {
          await lab.sql(`CREATE TABLE orders_of_0 (id int PRIMARY KEY, ${columns})`);
          await lab.sql(
            names
              .slice(1)
              .map(name => `CREATE TABLE ${name} LIKE orders_of_0`)
              .join('; '),
          );
          const platform = await lab.connect();
          const config = { ...platform.config, checkpoint_interval_seconds: 0 };
          const first = await platform.sync({ config });
          const sizes = first.states.map(state => JSON.stringify(state).length);
          expect(sizes.length).toBeGreaterThan(TABLES);
          expect(Math.max(...sizes)).toBeLessThan(300 * TABLES);
          await lab.sql(`ALTER TABLE orders_of_7 ADD extra int FIRST, MODIFY order_field_3 datetime(6) AFTER id;
            INSERT INTO orders_of_7 (id, order_field_0, order_field_5) VALUES (1, 2, true);
            INSERT INTO orders_of_8 (id, order_field_0, order_field_5) VALUES (3, 4, false);
            ALTER TABLE orders_of_8 MODIFY order_field_1 varchar(200) FIRST`);
          const second = await platform.sync({ config });
          expect(Math.max(...second.states.map(state => JSON.stringify(state).length))).toBeLessThan(300 * TABLES);
          await lab.sql('UPDATE orders_of_7 SET order_field_0 = 5; UPDATE orders_of_8 SET order_field_0 = 6');
          const third = await platform.sync();
          const shown = ['id', 'order_field_0', 'order_field_5'];
          expect(brief(second, 'orders_of_7', ...shown)).toEqual(['1 2 true']);
          expect(brief(second, 'orders_of_8', ...shown)).toEqual(['3 4 false']);
          expect(brief(third, 'orders_of_7', ...shown)).toEqual(['1 5 true']);
          expect(brief(third, 'orders_of_8', ...shown)).toEqual(['3 6 false']);
        },
      ),
    );
  });
});

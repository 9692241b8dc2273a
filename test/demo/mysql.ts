import { flavorNames, type MysqlFlavor, type MysqlServer, mysqlUnavailable, query, startMysql } from '../kit/servers/mysql.ts';
import type { Shop } from './shop.ts';

const OWNER = 'shopkeeper';
const READER = 'reader';
const PASSWORD = 'tea-and-biscuits';
const DATABASE = 'shop';

const TABLES = `
  CREATE TABLE customers (
    id int unsigned AUTO_INCREMENT PRIMARY KEY,
    name varchar(100) NOT NULL, marks set('vip', 'wholesale', 'friend') NOT NULL DEFAULT '',
    credit decimal(12, 2) NOT NULL DEFAULT 0, since date NOT NULL
  );
  CREATE TABLE products (
    sku varchar(20) PRIMARY KEY, price decimal(10, 2) NOT NULL, manual mediumtext, revision int NOT NULL DEFAULT 1
  );
  CREATE TABLE orders (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    customer_id int unsigned NOT NULL, status enum('open', 'paid', 'shipped') NOT NULL DEFAULT 'open',
    \`lines\` json NOT NULL, total decimal(12, 2) NOT NULL, placed_at timestamp(6) NOT NULL,
    FOREIGN KEY (customer_id) REFERENCES customers (id)
  );
`;

const series = (to: number): string =>
  `(WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${to}) SELECT i FROM numbers) series`;

const ROWS = (flavor: MysqlFlavor): string => `
  SET SESSION ${flavor === 'mysql' ? 'cte_max_recursion_depth' : 'max_recursive_iterations'} = 100000;
  INSERT INTO customers (name, marks, credit, since)
    SELECT CONCAT(ELT(1 + i % 5, 'Ada', 'Grace', 'Jürgen', '明子', 'Zoë "Zo" O''Hara'), ' ', i),
           ELT(1 + i % 3, '', 'vip', 'wholesale,friend'),
           (i * 7919 % 100000) / 100, DATE '2020-01-01' + INTERVAL i DAY
      FROM ${series(500)} ORDER BY i;
  INSERT INTO products (sku, price, manual)
    SELECT CONCAT('TEA-', 100 * i), 4.95 + i, REPEAT(CONCAT(SHA2(i, 256), ' '), 1500) FROM ${series(5)};
  INSERT INTO orders (customer_id, status, \`lines\`, total, placed_at)
    SELECT 1 + i % 500, ELT(1 + i % 3, 'open', 'paid', 'shipped'),
           JSON_ARRAY(JSON_OBJECT('sku', CONCAT('TEA-', 100 * (1 + i % 5)), 'quantity', 1 + i % 4)),
           (i % 4 + 1) * 4.95, TIMESTAMP '2026-01-01 09:00:00' + INTERVAL 7 * i MINUTE
      FROM ${series(20_000)} ORDER BY i;
`;

const CHANGES = [
  "INSERT INTO customers (name, marks, since) VALUES ('Newcomer', 'friend', '2026-11-24')",
  "UPDATE orders SET status = 'shipped', `lines` = JSON_ARRAY_APPEND(`lines`, '$', JSON_OBJECT('sku', 'TEA-500', 'quantity', 9)) WHERE id = 7",
  'DELETE FROM orders WHERE id = 8',
  "UPDATE products SET sku = 'TEA-101' WHERE sku = 'TEA-100'",
  "UPDATE products SET revision = 2 WHERE sku = 'TEA-200'",
];

/** The account that reads: what the documents say that it needs, no more. */
const accounts = (flavor: MysqlFlavor): string => `
  CREATE USER ${OWNER} IDENTIFIED BY '${PASSWORD}';
  GRANT ALL PRIVILEGES ON ${DATABASE}.* TO ${OWNER};
  CREATE USER ${READER} IDENTIFIED BY '${PASSWORD}';
  GRANT REPLICATION SLAVE, ${flavor === 'mysql' ? 'REPLICATION CLIENT' : 'BINLOG MONITOR'} ON *.* TO ${READER};
  GRANT SELECT ON ${DATABASE}.* TO ${READER};
`;

/** A shop in a MySQL or MariaDB of its own. */
async function shop(flavor: MysqlFlavor): Promise<Shop> {
  const reason = await mysqlUnavailable(flavor);
  if (reason !== null) throw new Error(`There is no ${flavorNames[flavor]} to be had here: ${reason}.`);
  const server = await startMysql({ flavor });
  try {
    await server.query(undefined, `CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4; ${accounts(flavor)}`);
    await asOwner(server, [TABLES, ROWS(flavor)]);
  } catch (error) {
    await server.stop();
    throw error;
  }
  const [version] = await server.query(undefined, 'SELECT VERSION() AS text');
  return {
    label: `${flavorNames[flavor]} ${String(version?.['text']).replace(/-.*/, '')} on port ${server.port}`,
    config: {
      source: {
        engine: 'mysql',
        host: server.host,
        port: server.port,
        databases: [DATABASE],
        username: READER,
        password: PASSWORD,
      },
    },
    changes: CHANGES,
    change: () => asOwner(server, CHANGES),
    remarks: [
      '(the changed sku is the delete of the old key and the row under the new one; of the orders only those',
      ' that changed were read, from the log, and no table was locked)',
    ],
    page: `docs/${flavor}.md`,
    stop: () => server.stop(),
  };
}

export const mysqlShop = (): Promise<Shop> => shop('mysql');
export const mariadbShop = (): Promise<Shop> => shop('mariadb');

async function asOwner(server: MysqlServer, statements: readonly string[]): Promise<void> {
  const client = await server.client(DATABASE, { user: OWNER, password: PASSWORD });
  try {
    for (const statement of statements) await query(client, statement);
  } finally {
    await client.end();
  }
}

import type pg from 'pg';
import { type PostgresServer, startPostgres } from '../kit/servers/postgres.ts';
import type { Shop } from './shop.ts';

const OWNER = 'shopkeeper';
const PASSWORD = 'tea-and-biscuits';
const DATABASE = 'shop';

const TABLES = `
  CREATE TYPE order_status AS ENUM ('open', 'paid', 'shipped');
  CREATE TABLE customers (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL, tags text[] NOT NULL DEFAULT '{}', credit numeric(12, 2) NOT NULL DEFAULT 0, since date NOT NULL
  );
  CREATE TABLE products (
    sku text PRIMARY KEY, price numeric(10, 2) NOT NULL, manual text, revision int NOT NULL DEFAULT 1
  );
  CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id int NOT NULL REFERENCES customers, status order_status NOT NULL DEFAULT 'open',
    lines jsonb NOT NULL, total numeric(12, 2) NOT NULL, placed_at timestamptz NOT NULL
  );
`;

const ROWS = `
  INSERT INTO customers (name, tags, credit, since)
    SELECT (ARRAY['Ada', 'Grace', 'Jürgen', '明子', 'Zoë "Zo" O''Hara'])[1 + i % 5] || ' ' || i,
           CASE i % 3 WHEN 0 THEN '{}' WHEN 1 THEN ARRAY['vip'] ELSE ARRAY['wholesale', 'a "quoted", one'] END,
           (i * 7919 % 100000) / 100.0, date '2020-01-01' + i
      FROM generate_series(1, 500) i;
  INSERT INTO products (sku, price, manual)
    SELECT 'TEA-' || 100 * i, 4.95 + i,
           -- md5 does not compress: this goes to where PostgreSQL keeps large values (TOAST).
           (SELECT string_agg(md5(i || ':' || n), ' ') FROM generate_series(1, 3000) n)
      FROM generate_series(1, 5) i;
  INSERT INTO orders (customer_id, status, lines, total, placed_at)
    SELECT 1 + i % 500, (ARRAY['open', 'paid', 'shipped']::order_status[])[1 + i % 3],
           jsonb_build_array(jsonb_build_object('sku', 'TEA-' || 100 * (1 + i % 5), 'quantity', 1 + i % 4)),
           (i % 4 + 1) * 4.95, timestamptz '2026-01-01 09:00+00' + i * interval '7 minutes'
      FROM generate_series(1, 20000) i;
`;

const CHANGES = [
  "INSERT INTO customers (name, tags, since) VALUES ('Newcomer', ARRAY['first order'], '2026-11-24')",
  'UPDATE orders SET status = \'shipped\', lines = lines || \'[{"sku": "TEA-500", "quantity": 9}]\' WHERE id = 7',
  'DELETE FROM orders WHERE id = 8',
  "UPDATE products SET sku = 'TEA-101' WHERE sku = 'TEA-100'",
  "UPDATE products SET revision = 2 WHERE sku = 'TEA-200'",
];

/** A shop in an embedded PostgreSQL 18 of its own. The role that reads owns the tables and may replicate, no more. */
export async function postgresShop(): Promise<Shop> {
  const server = await startPostgres({ major: 18 });
  try {
    await server.query('postgres', `CREATE ROLE ${OWNER} LOGIN REPLICATION PASSWORD '${PASSWORD}'`);
    await server.createDatabase(DATABASE, `OWNER ${OWNER} ENCODING 'UTF8'`);
    await asOwner(server, [`ALTER SCHEMA public OWNER TO ${OWNER}`], server.username, server.password);
    await asOwner(server, [TABLES, ROWS, 'ANALYZE']);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    label: `PostgreSQL ${server.major} on port ${server.port}`,
    config: {
      source: {
        engine: 'postgres',
        host: server.host,
        port: server.port,
        database: DATABASE,
        username: OWNER,
        password: PASSWORD,
      },
    },
    changes: CHANGES,
    change: () => asOwner(server, CHANGES),
    remarks: [
      '(the changed sku is the delete of the old key and the row under the new one; the manual of TEA-200',
      ' is whole, although the log does not hold a large value that an update left alone)',
    ],
    page: 'docs/postgres.md',
    stop: () => server.stop(),
  };
}

async function asOwner(
  server: PostgresServer,
  statements: readonly string[],
  user: string = OWNER,
  password: string = PASSWORD,
): Promise<void> {
  const client: pg.Client = await server.client(DATABASE, { user, password });
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** What is done to a server to record its messages. All of it runs in a database of its own with search path `public`. */
export interface LogScenario {
  readonly name: string;
  /** The first major version that can do it. */
  readonly since?: number;
  /** Before the slot is made: tables, and the publication `golden`. */
  readonly setup: string;
  /** What the log shall hold, a statement each; a statement with several commands is one transaction. */
  readonly life: readonly string[];
  /** Options for pgoutput beside `proto_version` 1 and `publication_names`. */
  readonly options?: Readonly<Record<string, string>>;
  readonly twoPhase?: true;
}

const identities = `
  CREATE TABLE by_default (id int PRIMARY KEY, v text);
  CREATE TABLE by_full (id int, v text);
  ALTER TABLE by_full REPLICA IDENTITY FULL;
  CREATE TABLE by_index (a int NOT NULL, id int PRIMARY KEY, code text NOT NULL, v text);
  CREATE UNIQUE INDEX by_index_code ON by_index (code, a);
  ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code;
`;
const lifeOf = (table: string, columns: string, one: string, two: string, key: string): string[] => [
  `INSERT INTO ${table} (${columns}) VALUES ${one}, ${two}`,
  `UPDATE ${table} SET v = 'changed' WHERE id = 1`,
  `UPDATE ${table} SET ${key} WHERE id = 1`,
  `DELETE FROM ${table} WHERE id = 2`,
];

export const logScenarios: readonly LogScenario[] = [
  {
    name: 'identities',
    setup: `${identities} CREATE PUBLICATION golden FOR ALL TABLES`,
    life: [
      ...lifeOf('by_default', 'id, v', "(1, 'one')", '(2, NULL)', 'id = 10'),
      ...lifeOf('by_full', 'id, v', "(1, 'one')", '(2, NULL)', 'id = 10'),
      ...lifeOf('by_index', 'a, id, code, v', "(7, 1, 'x', 'one')", "(8, 2, 'y', NULL)", "code = 'z'"),
    ],
  },
  {
    name: 'insert-only',
    setup: `CREATE TABLE bare (id int, v text);
      CREATE TABLE silent (id int PRIMARY KEY, v text);
      ALTER TABLE silent REPLICA IDENTITY NOTHING;
      CREATE PUBLICATION golden FOR ALL TABLES WITH (publish = 'insert')`,
    life: [
      "INSERT INTO bare VALUES (1, 'a'), (NULL, '')",
      "INSERT INTO silent VALUES (1, 'a')",
      "UPDATE silent SET v = 'b'",
      'DELETE FROM silent',
      'DELETE FROM bare',
      "INSERT INTO silent VALUES (2, 'c')",
    ],
  },
  {
    name: 'toast',
    setup: `CREATE TABLE big (id int PRIMARY KEY, body text, note text);
      ALTER TABLE big ALTER body SET STORAGE EXTERNAL;
      CREATE TABLE big_full (id int PRIMARY KEY, body text, note text);
      ALTER TABLE big_full ALTER body SET STORAGE EXTERNAL;
      ALTER TABLE big_full REPLICA IDENTITY FULL;
      CREATE PUBLICATION golden FOR ALL TABLES`,
    life: ['big', 'big_full'].flatMap(table => [
      `INSERT INTO ${table} VALUES (1, repeat('0123456789', 300), 'n'), (2, '', NULL)`,
      `UPDATE ${table} SET note = '' WHERE id = 1`,
      `UPDATE ${table} SET id = 3 WHERE id = 1`,
      `UPDATE ${table} SET body = NULL WHERE id = 3`,
      `UPDATE ${table} SET body = repeat('x', 3000) WHERE id = 2`,
      `DELETE FROM ${table}`,
    ]),
  },
  {
    name: 'shapes',
    setup: 'CREATE TABLE t (id int PRIMARY KEY, a varchar(20), b numeric(10,2)); CREATE PUBLICATION golden FOR ALL TABLES',
    life: [
      "INSERT INTO t VALUES (1, 'a', 1.50)",
      'ALTER TABLE t ADD c timestamptz',
      "INSERT INTO t VALUES (2, 'b', 2, '2024-02-29 12:00+00')",
      'ALTER TABLE t DROP a',
      'BEGIN; INSERT INTO t VALUES (3, 3, NULL); ALTER TABLE t RENAME b TO renamed; INSERT INTO t VALUES (4, 4, NULL); COMMIT',
      'ALTER TABLE t ALTER renamed TYPE text',
      "INSERT INTO t VALUES (5, '', NULL)",
      'ALTER TABLE t RENAME TO "Tä ble.""x"""',
      'INSERT INTO "Tä ble.""x""" VALUES (6, \'🐘\', NULL)',
      'ALTER TABLE "Tä ble.""x""" REPLICA IDENTITY FULL',
      'DELETE FROM "Tä ble.""x""" WHERE id = 6',
    ],
  },
  {
    name: 'truncate',
    setup: `CREATE TABLE parent (id int PRIMARY KEY);
      CREATE TABLE child (id serial PRIMARY KEY, parent int REFERENCES parent);
      CREATE PUBLICATION golden FOR ALL TABLES`,
    life: [
      'INSERT INTO parent VALUES (1); INSERT INTO child (parent) VALUES (1)',
      'TRUNCATE child',
      'TRUNCATE child RESTART IDENTITY',
      'TRUNCATE parent CASCADE',
      'TRUNCATE parent, child RESTART IDENTITY CASCADE',
    ],
  },
  {
    name: 'origin-and-messages',
    setup:
      "CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION golden FOR ALL TABLES; SELECT pg_replication_origin_create('elsewhere')",
    options: { messages: 'true' },
    life: [
      "SELECT pg_replication_origin_session_setup('elsewhere')",
      "BEGIN; SELECT pg_replication_origin_xact_setup('0/16B3748', '2024-01-01 00:00:00+00'); INSERT INTO t VALUES (1); COMMIT",
      'SELECT pg_replication_origin_session_reset()',
      "SELECT pg_logical_emit_message(false, 'loose', 'no transaction')",
      "BEGIN; INSERT INTO t VALUES (2); SELECT pg_logical_emit_message(true, 'bound', ''); COMMIT",
    ],
  },
  {
    name: 'types',
    setup: `CREATE SCHEMA other; CREATE TYPE other.mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a int, b text);
      CREATE DOMAIN positive AS numeric(12,0) CHECK (VALUE > 0);
      CREATE TABLE t (id int PRIMARY KEY, m other.mood, p pair, d positive, a int[], j jsonb, f float8, b bytea, ts timestamptz);
      CREATE PUBLICATION golden FOR ALL TABLES`,
    life: [
      `INSERT INTO t VALUES (1, 'ok', ROW(1, 'a,"b'), 7, '{1,NULL,3}', '{"k": [1, "x"]}', 'NaN', '\\x00ff', '2024-06-01 10:00:00.5+02')`,
      "UPDATE t SET m = 'sad', f = 0.1, a = '{{1},{2}}', ts = 'infinity'",
      'INSERT INTO t VALUES (2)',
    ],
  },
  {
    name: 'binary',
    setup: 'CREATE TABLE t (id int PRIMARY KEY, n int8, v text, b bytea); CREATE PUBLICATION golden FOR ALL TABLES',
    options: { binary: 'true' },
    life: ["INSERT INTO t VALUES (1, 5000000000, 'text', '\\x00ff'), (2, NULL, '', '')"],
  },
  {
    name: 'wide',
    setup: `DO $$ BEGIN EXECUTE 'CREATE TABLE wide (' ||
        (SELECT string_agg('c' || n || ' bool' || CASE n WHEN 1 THEN ' PRIMARY KEY' ELSE '' END, ', ') FROM generate_series(1, 1600) n) || ')'; END $$;
      CREATE PUBLICATION golden FOR ALL TABLES`,
    life: ['INSERT INTO wide (c1, c2, c1600) VALUES (true, false, true)', 'UPDATE wide SET c1 = false', 'DELETE FROM wide'],
  },
  ...(['true', 'false'] as const).map(
    (viaRoot): LogScenario => ({
      name: viaRoot === 'true' ? 'partitions-as-root' : 'partitions-as-leaves',
      setup: `CREATE TABLE p (id int, region text, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
      CREATE TABLE p_eu PARTITION OF p FOR VALUES IN ('eu');
      CREATE TABLE p_us (v text, region text NOT NULL, id int NOT NULL, dropped int, PRIMARY KEY (id, region));
      ALTER TABLE p_us DROP dropped;
      ALTER TABLE p ATTACH PARTITION p_us FOR VALUES IN ('us');
      CREATE PUBLICATION golden FOR TABLE p WITH (publish_via_partition_root = ${viaRoot})`,
      life: [
        "INSERT INTO p VALUES (1, 'eu', 'a'), (2, 'us', 'b')",
        "UPDATE p SET v = 'c'",
        "UPDATE p SET region = 'us' WHERE id = 1",
        'UPDATE p SET id = 20 WHERE id = 2',
        'TRUNCATE p_eu',
        'DELETE FROM p WHERE id = 1',
        'TRUNCATE p',
      ],
    }),
  ),
  {
    name: 'not-ours',
    setup: `CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE unpublished (id int PRIMARY KEY);
      CREATE PUBLICATION golden FOR TABLE t`,
    life: [
      'INSERT INTO unpublished VALUES (1)',
      'BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s; INSERT INTO t VALUES (2); ROLLBACK TO s; INSERT INTO t VALUES (3); COMMIT',
      'BEGIN; INSERT INTO t VALUES (4); ROLLBACK',
    ],
  },
  {
    name: 'columns-and-rows',
    since: 15,
    setup: `CREATE TABLE t (id int PRIMARY KEY, secret text, v int);
      CREATE PUBLICATION golden FOR TABLE t (id, v) WHERE (id > 1)`,
    life: [
      "INSERT INTO t VALUES (1, 's', 1), (2, 's', 2)",
      'UPDATE t SET id = 3 WHERE id = 1',
      'UPDATE t SET id = 0 WHERE id = 2',
      'DELETE FROM t WHERE id = 3',
    ],
  },
  {
    name: 'two-phase',
    since: 15,
    twoPhase: true,
    options: { proto_version: '3' },
    setup: 'CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION golden FOR ALL TABLES',
    life: [
      "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'gid one'",
      "COMMIT PREPARED 'gid one'",
      "BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'gid two'",
      "ROLLBACK PREPARED 'gid two'",
    ],
  },
  {
    name: 'generated',
    since: 18,
    setup: `CREATE TABLE t (id int PRIMARY KEY, double int GENERATED ALWAYS AS (id * 2) STORED, virtual int GENERATED ALWAYS AS (id * 3));
      CREATE PUBLICATION golden FOR TABLE t WITH (publish_generated_columns = stored)`,
    life: ['INSERT INTO t (id) VALUES (1)', 'UPDATE t SET id = 2', 'DELETE FROM t'],
  },
];

export interface CopyScenario {
  readonly name: string;
  readonly columns: number;
  readonly query: string;
}

export const copyScenarios: readonly CopyScenario[] = [
  {
    name: 'escapes',
    columns: 4,
    query: `SELECT * FROM (VALUES
      (1, E'\\b\\f\\n\\r\\t\\x0b\\\\', NULL, ''),
      (2, E'\\\\N', E'\\\\.', E'\\\\\\\\'),
      (3, E'\\x01\\x7f', 'häß 🐘', E'a\\tb\\nc'),
      (4, NULL, NULL, NULL),
      (5, '', '', ''),
      (6, E'ends in \\\\', E'\\\\t', 'N')) AS t (id, a, b, c) ORDER BY id`,
  },
  {
    name: 'one-column',
    columns: 1,
    query: "SELECT v FROM (VALUES (1, NULL), (2, ''), (3, E'\\\\N'), (4, E'\\n'), (5, 'x')) AS t (n, v) ORDER BY n",
  },
  { name: 'no-columns', columns: 0, query: 'SELECT FROM generate_series(1, 3)' },
  {
    name: 'values',
    columns: 6,
    query: `SELECT '\\x00ff5c'::bytea, ARRAY['a"b', E'c\\\\d', NULL, E'\\t'], '{"a": "\\n", "b": "\\\\"}'::jsonb,
      ROW(1, E'x\\\\y', NULL), 'NaN'::float8, '2024-02-29 01:02:03.000004+00'::timestamptz`,
  },
  {
    name: 'wide',
    columns: 1600,
    query: `SELECT ${Array.from({ length: 1600 }, (_, n) => (n % 3 === 0 ? 'NULL' : n % 3 === 1 ? String(n) : "E'\\t'")).join(', ')}`,
  },
  { name: 'large', columns: 3, query: "SELECT 1, repeat(E'line\\n', 2000), repeat('x', 5000)" },
];

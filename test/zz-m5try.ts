import { startMysql } from '/work/main/test/kit/servers/mysql.ts';
import { connect, disconnect, rawConnection } from '/work/main/src/engines/mysql/wire/connect.ts';
import { queryOn } from '/work/main/src/engines/mysql/sql.ts';
import { dial } from '/work/main/src/core/dial.ts';
const log = { debug: console.log, info: console.log, warn: console.log, error: console.log };
const context = { log, signal: new AbortController().signal, now: () => Date.now() as never, dial };
for (const flavor of ['mysql', 'mariadb'] as const) {
  const server = await startMysql({ flavor });
  try {
    for (const mode of ['disabled', 'preferred', 'required'] as const) {
      try {
        const c = await connect({ host: '127.0.0.1', port: server.port, username: 'root', password: server.password, ssl: { mode } }, { applicationName: 'x' }, context);
        const q = queryOn(c.driver);
        console.log(flavor, mode, c.server, rawConnection(c).queryAttributes, await q.rows("SHOW STATUS LIKE 'Ssl_cipher'"), await q.rows('SELECT NULL AS n, 1.5 AS x, @@session.sql_mode AS m, @@session.net_write_timeout w'));
        await disconnect(c);
      } catch (e) { console.log(flavor, mode, e); }
    }
    await server.query(undefined, "CREATE DATABASE e; CREATE TABLE e.t (id int primary key, `e` enum('a','😀','?','it''s') character set utf8mb4, j json, g int generated always as (id+1) virtual)").catch(e => console.log('E', e.message));
    console.log(await server.query('e', "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, HEX(COLUMN_TYPE) h, EXTRA, PRIVILEGES FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='e'"));
    console.log(await server.query('e', "SHOW CREATE TABLE t"));
    if (flavor === 'mariadb') console.log(await server.query('e', "SELECT * FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA='e'"));
  } finally { await server.stop(); }
}
process.exit(0);

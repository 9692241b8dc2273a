// Starts a server, says where, and waits to be killed: what the tests of servers need to look for orphans.
import { type MysqlFlavor, mysqlFlavors } from './mysql-binaries.ts';
import type { PostgresMajor } from './postgres.ts';

const kind = process.argv[2];
const server = mysqlFlavors.includes(kind as MysqlFlavor)
  ? await (await import('./mysql.ts')).startMysql({ flavor: kind as MysqlFlavor })
  : await (await import('./postgres.ts')).startPostgres({ major: Number(kind) as PostgresMajor });
process.stdout.write(`${JSON.stringify({ pid: server.pid, parent: process.pid, folder: server.dataFolder })}\n`);
setInterval(() => {}, 1000);

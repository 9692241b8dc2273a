// Starts a server, says where, and waits to be killed: what postgres.server.test.ts needs to look for orphans.
import { type PostgresMajor, startPostgres } from './postgres.ts';

const server = await startPostgres({ major: Number(process.argv[2]) as PostgresMajor });
process.stdout.write(`${JSON.stringify({ pid: server.pid, parent: process.pid, folder: server.dataFolder })}\n`);
setInterval(() => {}, 1000);

// Records the events that real servers send into test/golden/mysql/<flavor>/:
//   node .config/run.mjs test/golden/record-mysql.ts
// The dumps beside them are what our decoder makes of the bytes; look at their diff before you commit it.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dumpEvents, freshLog } from '../kit/binlog-dump.ts';
import { repository } from '../kit/paths.ts';
import { type MysqlServer, mysqlFlavors, startMysql } from '../kit/servers/mysql.ts';
import { writeFrames } from './frames.ts';
import { dumpBinlog } from './mysql-dump.ts';
import { type BinlogScenario, binlogScenarios } from './mysql-scenarios.ts';
import { toLines } from './postgres-dump.ts';

const record = async (server: MysqlServer, scenario: BinlogScenario): Promise<Buffer[]> => {
  const database = await server.createDatabase('golden');
  const before = new Map<string, string>();
  for (const [name, value] of Object.entries(scenario.globals ?? {})) {
    before.set(name, await server.variable(name));
    await server.query(undefined, `SET GLOBAL ${name} = ${value}`);
  }
  try {
    const file = await freshLog(server);
    const client = await server.client(database);
    for (const statement of scenario.life) await client.query(statement);
    await client.end();
    return await dumpEvents(server, { file, ...(scenario.checksum === undefined ? {} : { checksum: scenario.checksum }) });
  } finally {
    for (const [name, value] of before) await server.query(undefined, `SET GLOBAL ${name} = ${value}`);
    await server.dropDatabase(database);
  }
};

// The kit's servers do not keep the event loop alive, also not while they stop.
const awake = setInterval(() => {}, 1000);
for (const flavor of mysqlFlavors) {
  const folder = join(repository, 'test/golden/mysql', flavor);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const server = await startMysql({ flavor });
  try {
    for (const scenario of binlogScenarios) {
      if (!scenario.flavors.includes(flavor)) continue;
      const packets = await record(server, scenario);
      const dump = await dumpBinlog(flavor, scenario.checksum !== 'NONE', packets);
      await writeFile(join(folder, `${scenario.name}.bin`), writeFrames(packets));
      await writeFile(join(folder, `${scenario.name}.ndjson`), toLines(dump.map(({ kind, ...rest }) => ({ message: kind, ...rest }))));
      console.log(`${flavor}: ${scenario.name}, ${packets.length} packets`);
    }
  } finally {
    await server.stop();
  }
}
clearInterval(awake);

// Records the events that real servers send into test/golden/mysql/<flavor>/, of all scenarios or of those named:
//   npm run record:mysql -- [SCENARIO ...]
// The dumps beside them are what our decoder makes of the bytes; look at their diff before you commit it.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Connection, QueryOptions } from 'mysql2/promise';
import { dumpEvents, freshLog } from '../kit/binlog-dump.ts';
import { repository } from '../kit/paths.ts';
import { mysqlInstallation } from '../kit/servers/mysql-binaries.ts';
import { type MysqlFlavor, mysqlFlavors, type OwnMysqlServer, startMysql } from '../kit/servers/mysql.ts';
import type { BinlogScenario, OwnServer, Statement } from './binlog-scenario.ts';
import { writeFrames } from './frames.ts';
import { dumpBinlog } from './mysql-dump.ts';
import { binlogScenarios } from './mysql-scenarios.ts';
import { toLines } from './postgres-dump.ts';

const run = async (client: Connection, statement: Statement): Promise<void> => {
  const { sql, local, fails = false } = typeof statement === 'string' ? { sql: statement } : statement;
  const options: QueryOptions = { sql, ...(local === undefined ? {} : { infileStreamFactory: () => Readable.from([Buffer.from(local)]) }) };
  const error = await client.query(options).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if ((error !== null) !== fails) throw error ?? new Error(`did not fail: ${sql.slice(0, 100)}`);
};

const record = async (server: OwnMysqlServer, scenario: BinlogScenario): Promise<Buffer[]> => {
  const database = await server.createDatabase('golden');
  const before = new Map<string, string>();
  for (const [name, value] of Object.entries(scenario.globals ?? {})) {
    before.set(name, await server.variable(name));
    await server.query(undefined, `SET GLOBAL ${name} = ${value}`);
  }
  try {
    const file = await freshLog(server);
    const client = await server.client(database);
    for (const statement of scenario.life) await run(client, statement);
    await client.end();
    if (scenario.restart === true) await server.restart();
    return await dumpEvents(server, { file, ...(scenario.checksum === undefined ? {} : { checksum: scenario.checksum }), ...scenario.request });
  } finally {
    for (const [name, value] of before) await server.query(undefined, `SET GLOBAL ${name} = ${value}`);
    await server.dropDatabase(database);
  }
};

const recordInto = async (folder: string, server: OwnMysqlServer, scenario: BinlogScenario): Promise<void> => {
  const { flavor } = server;
  const packets = await record(server, scenario);
  const dump = await dumpBinlog(flavor, scenario.checksum !== 'NONE', packets);
  await writeFile(join(folder, `${scenario.name}.bin`), writeFrames(packets));
  await writeFile(join(folder, `${scenario.name}.ndjson`), toLines(dump.map(({ kind, ...rest }) => ({ message: kind, ...rest }))));
  console.log(`${flavor}: ${scenario.name}, ${packets.length} packets`);
};

const hasPlugin = async (flavor: MysqlFlavor, file: string): Promise<boolean> => {
  const { ownPlaces } = await mysqlInstallation(flavor);
  const place = ownPlaces.find(option => option.startsWith('--plugin-dir='))?.split('=')[1];
  return place !== undefined && existsSync(join(place, file));
};

const startOwn = async (flavor: MysqlFlavor, own: OwnServer): Promise<OwnMysqlServer> => {
  const server = await startMysql({ flavor });
  for (const [name, content] of Object.entries(own.files ?? {})) await writeFile(join(server.folder, name), content, { mode: 0o644 });
  await server.configure(own.settings(server.folder));
  await server.restart();
  return server;
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter(name => !binlogScenarios.some(scenario => scenario.name === name));
if (unknown.length > 0) throw new Error(`no such scenario: ${unknown.join(', ')}`);
// The kit's servers do not keep the event loop alive, also not while they stop.
const awake = setInterval(() => {}, 1000);
for (const flavor of mysqlFlavors) {
  const folder = join(repository, 'test/golden/mysql', flavor);
  await mkdir(folder, { recursive: true });
  const scenarios = binlogScenarios.filter(({ name, flavors }) => flavors.includes(flavor) && (wanted.length === 0 || wanted.includes(name)));
  let shared: OwnMysqlServer | null = null;
  try {
    for (const scenario of scenarios) {
      const { own } = scenario;
      if (own?.plugin !== undefined && !(await hasPlugin(flavor, own.plugin))) {
        console.log(`${flavor}: ${scenario.name} stays as it was recorded, this server comes without ${own.plugin}`);
      } else if (own === undefined) {
        shared ??= await startMysql({ flavor });
        await recordInto(folder, shared, scenario);
      } else {
        const server = await startOwn(flavor, own);
        try {
          await recordInto(folder, server, scenario);
        } finally {
          await server.stop();
        }
      }
    }
  } finally {
    await shared?.stop();
  }
}
clearInterval(awake);

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MysqlFlavor } from '../kit/servers/mysql.ts';
import { readFrames } from './frames.ts';
import { type DumpedEvent, dumpBinlog } from './mysql-dump.ts';
import { binlogScenarios } from './mysql-scenarios.ts';

/** Where the recordings of a flavor are: `<scenario>.bin`, and `<scenario>.ndjson` for what the decoder makes of it. */
export const recordingsOf = (flavor: MysqlFlavor): string => join(import.meta.dirname, 'mysql', flavor);

export const recordedScenarios = (flavor: MysqlFlavor): string[] =>
  readdirSync(recordingsOf(flavor)).flatMap(file => (file.endsWith('.bin') ? [file.slice(0, -4)] : []));

/** The packets as the server sent them, one event each. */
export const recordedPackets = (flavor: MysqlFlavor, name: string): Buffer[] =>
  readFrames(readFileSync(join(recordingsOf(flavor), `${name}.bin`)));

/** What the decoder says of `packets`, which are those of the recording where nothing else is given. */
export const dumpOf = (
  flavor: MysqlFlavor,
  name: string,
  packets: readonly Buffer[] = recordedPackets(flavor, name),
): Promise<DumpedEvent[]> => {
  const scenario = binlogScenarios.find(({ name: its, flavors }) => its === name && flavors.includes(flavor));
  return dumpBinlog(flavor, scenario?.checksum !== 'NONE', packets);
};

/** Changes and statements in short, without what differs from one recording to the next. */
export const storyOf = async (flavor: MysqlFlavor, name: string): Promise<unknown[]> => {
  let table = '';
  return (await dumpOf(flavor, name)).flatMap((dumped): unknown[] => {
    if (dumped['kind'] === 'table_map') table = String(dumped['table']);
    if (dumped['kind'] === 'rows') return [[dumped['change'], table, ...(dumped['rows'] as unknown[])]];
    if (dumped['kind'] === 'xid') return ['commit'];
    if (dumped['kind'] === 'xa_prepare') return [[dumped['onePhase'] === true ? 'one phase' : 'prepare', dumped['name']]];
    return dumped['kind'] === 'query' ? [dumped['text']] : [];
  });
};

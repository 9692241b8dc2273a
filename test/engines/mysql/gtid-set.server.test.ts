import { expect, it } from 'vitest';
import { binlogDumpGtid } from '../../../src/engines/mysql/binlog/command.ts';
import { PREVIOUS_GTIDS_EVENT } from '../../../src/engines/mysql/binlog/events.ts';
import { GtidSet } from '../../../src/engines/mysql/gtid-set.ts';
import { dumpEvents, freshLog } from '../../kit/binlog-dump.ts';
import { describeFlavor, mysqlLabel } from '../../kit/mysql-engines.ts';
import { query, startMysql } from '../../kit/servers/mysql.ts';

const OTHER = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const HEADER = 19;
const CHECKSUM = 4;

describeFlavor('mysql', `${mysqlLabel('mysql')}: GTID sets`, () => {
  it('are written and read as the server does, with holes, several sources and tags', async () => {
    const server = await startMysql({ flavor: 'mysql' });
    try {
      const client = await server.client();
      const executed = async (): Promise<GtidSet> => {
        const text = String((await query(client, 'SELECT @@global.gtid_executed AS s'))[0]?.['s']);
        const set = GtidSet.parse(text);
        if (!(set instanceof GtidSet)) throw new Error(`${text}: ${set.expected}`);
        expect(set.toString()).toBe(text.replaceAll('\n', ''));
        return set;
      };
      const commitAs = async (gtid: string): Promise<void> => {
        await query(client, `SET gtid_next = '${gtid}'; BEGIN; COMMIT; SET gtid_next = 'AUTOMATIC'`);
      };
      const matchesTheLog = async (): Promise<void> => {
        const set = await executed();
        const file = await freshLog(server);
        const event = (await dumpEvents(server, { file })).find(bytes => bytes[4] === PREVIOUS_GTIDS_EVENT);
        expect(event?.subarray(HEADER, -CHECKSUM).toString('hex')).toBe(Buffer.from(set.encode()).toString('hex'));
        // The server is sent everything that it has: nothing is left to send, and it does not complain.
        const command = binlogDumpGtid({ gtidSet: set.encode(), serverId: 77, flags: 1 });
        const events = await dumpEvents(server, { file, command });
        expect(events.length).toBeGreaterThan(0);
      };
      await query(client, 'CREATE DATABASE d');
      for (const gno of [1, 2, 3, 7, 9, 10]) await commitAs(`${OTHER}:${gno}`);
      await matchesTheLog();
      for (const tag of ['one', 'two_2']) for (const gno of [1, 5, 6]) await commitAs(`${OTHER}:${tag}:${gno}`);
      await matchesTheLog();
      expect((await executed()).has(`${OTHER}:two_2`, 6)).toBe(true);
      expect((await executed()).has(OTHER, 8)).toBe(false);
      await client.end();
    } finally {
      await server.stop();
    }
  });
});

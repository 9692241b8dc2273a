import { expect, it } from 'vitest';
import { describeFlavor, mysqlLabel } from '../../kit/mysql-engines.ts';
import type { RunResult } from '../../kit/run-connector.ts';
import { query, startMysql } from '../../kit/servers/mysql.ts';
import { committed } from '../../kit/servers/mysql-replication.ts';
import { MysqlDatabase } from './backend.ts';
import { createThing, Lab } from './lab.ts';

const FOUR_GIB = 2 ** 32;
const ROW_BYTES = 12 * 2 ** 20;
/** Each update has the row twice in the log: as it was and as it is. */
const UPDATES = Math.ceil((FOUR_GIB * 1.01) / (2 * ROW_BYTES));
const LATER = [11, 12, 13, 14, 15, 16];

/** `id file:pos` of each record. */
const places = (run: RunResult): string[] =>
  run.records.map(({ data }) => `${data['id']} ${data['_ab_cdc_log_file']}:${data['_ab_cdc_log_pos']}`);

describeFlavor('mysql', mysqlLabel('mysql'), () => {
  it('#30 positions beyond 4 GiB of one file are exact, and a read goes on from them', { timeout: 300_000 }, async () => {
    const settings = {
      max_binlog_size: '1G',
      binlog_checksum: 'NONE', // which takes the server a while
      // Who waits while a transaction is written is written in this pause, before the next file is begun.
      sync_binlog: '1',
      binlog_group_commit_sync_delay: '500000',
    };
    const server = await startMysql({ flavor: 'mysql', settings });
    const lab = new Lab(await MysqlDatabase.create(server));
    try {
      await lab.sql(`${createThing} CREATE TABLE bulk (id int PRIMARY KEY, n int, body longblob);
        INSERT INTO bulk VALUES (1, 0, REPEAT('x', ${ROW_BYTES}))`);
      // A transaction is never cut, and what others commit while it is written comes into the same file behind it.
      const large = await lab.client();
      await large.query('BEGIN');
      for (let n = 1; n <= UPDATES; n++) await large.query('UPDATE bulk SET n = ?', [n]);
      const upToLarge = (await committed(server)).replace(/\d+$/, last => String(Number(last) + 1));
      const others = await Promise.all(LATER.map(() => lab.client()));
      const written = large.query('COMMIT');
      await lab.until(async () => {
        const sessions = await lab.sql('SHOW FULL PROCESSLIST');
        return sessions.some(({ Info, Time }) => Info === 'COMMIT' && Number(Time) > 0);
      });
      await Promise.all(others.map((client, at) => query(client, `INSERT INTO thing VALUES (${LATER[at]}, 'beyond', 1)`)));
      await written;
      await lab.sql("INSERT INTO thing VALUES (20, 'next file', 1)");

      const from = async (start: string): Promise<string[]> => {
        const starts = { starting_gtids: { [lab.database.name]: { main: start } } };
        return places(await (await lab.connect({ streams: ['thing'] }, starts)).run());
      };
      // The server passes over the large transaction by itself.
      const all = await from(upToLarge);
      expect(all.map(place => Number(place.split(' ')[0])).toSorted((one, other) => one - other)).toEqual([...LATER, 20]);
      for (const place of all) {
        const [, file = '', pos = 0] = /(\S+):(\d+)$/.exec(place) ?? [];
        const [event] = await lab.sql(`SHOW BINLOG EVENTS IN '${file}' FROM ${pos} LIMIT 1`);
        expect(event).toMatchObject({ Pos: Number(pos), Event_type: 'Gtid' });
        if (place !== all.at(-1)) expect(Number(pos)).toBeGreaterThan(FOUR_GIB);
      }
      // By file and byte the server has no command for such a place: it sends the file from its beginning.
      expect(await from(all.at(-4)?.split(' ')[1] ?? '')).toEqual(all.slice(-4));
    } finally {
      await lab.close().finally(() => server.stop());
    }
  });
});

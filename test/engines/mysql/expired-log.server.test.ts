import { expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { startMysql } from '../../kit/servers/mysql.ts';
import { MysqlDatabase } from './backend.ts';
import { createThing, failureOf, Lab, purge, series, table, thing } from './lab.ts';

const gate = table('gate', { id: 'integer' });

describeMysql(flavor => {
  it('#42 a log that expires while a snapshot is under way is a position lost, also for the read that follows', async () => {
    const server = await startMysql({ flavor });
    const lab = new Lab(await MysqlDatabase.create(server));
    try {
      await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(300)};
        CREATE TABLE gate (id bigint PRIMARY KEY); INSERT INTO gate VALUES (1)`);
      const platform = await lab.connect({ streams: ['thing', 'gate'] });
      const cut = await lab.atGate(
        () => platform.run({ mayFail: true }),
        async () => {
          // Changes of rows that the snapshot has printed as they were: nothing but this log knows of them.
          await lab.sql("UPDATE thing SET text = 'new' WHERE id < 10; DELETE FROM thing WHERE id = 20; FLUSH BINARY LOGS");
          await purge(lab);
        },
      );
      expect(failureOf(cut)).toMatch(/config_error \/ POSITION_LOST: .*(?:purged|GTID|not find first log file)/);
      platform.store(cut);
      expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/config_error \/ POSITION_LOST/);
      const anew = await lab.connect({ streams: ['thing', 'gate'] }, { invalid_position: 'resnapshot' });
      anew.stored = platform.stored;
      await anew.sync();
      await anew.expectEqual([thing, gate]);
    } finally {
      await lab.close().finally(() => server.stop());
    }
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { Random, seedOfRun } from '../../kit/random.ts';
import { type OwnMysqlServer, startMysql } from '../../kit/servers/mysql.ts';
import { failureOf, inLab, type Lab, purge, table } from './lab.ts';

const thing = table('thing', { id: 'integer', text: 'text' });
const CREATE = 'CREATE TABLE thing (id int PRIMARY KEY, text longtext)';

/** Writes as if the transaction came from another server, with this number: so it stands in a replica's log. */
const from = async (lab: Lab, server: number, sequence: number, sql: string): Promise<void> => {
  const client = await lab.client();
  await client.query(`SET server_id = ${server}, gtid_seq_no = ${sequence}`);
  await client.query(sql);
};

const upsert = (id: number, text: string): string =>
  `INSERT INTO thing VALUES (${id}, '${text}') ON DUPLICATE KEY UPDATE text = '${text}'`;

describeMysql(flavor => {
  // A GTID set says nothing of an order, and numbers of one server are never given out again.
  if (flavor === 'mysql') return;

  describe('transactions whose numbers are not in the order of the log', () => {
    let server: OwnMysqlServer;
    beforeAll(async () => {
      server = await startMysql({ flavor, settings: { gtid_strict_mode: 'OFF' } });
    });
    afterAll(() => server.stop());

    it('a replica with statements of its own: what comes from the primary next, with smaller numbers, is read', async () => {
      await inLab(
        () => server,
        async lab => {
          await lab.sql(CREATE);
          await from(lab, 2, 1004, upsert(1, 'primary'));
          for (const sequence of [1005, 1006, 1007]) await from(lab, 22, sequence, upsert(0, `local ${sequence}`));
          const platform = await lab.connect();
          await platform.sync();
          const ids = [1005, 1006, 1007, 1008, 1009, 1010];
          for (const id of ids) await from(lab, 2, id, upsert(id, 'primary'));
          const run = await platform.sync();
          expect(run.records.map(({ data }) => Number(data['id']))).toEqual(ids);
          await platform.expectEqual([thing]);
        },
      )();
    });

    it('the newest transaction has a smaller number than that of the state: it is read, and no position is lost', async () => {
      await inLab(
        () => server,
        async lab => {
          await lab.sql(CREATE);
          await from(lab, 7, 5000, upsert(1, 'large number'));
          const platform = await lab.connect();
          await platform.sync();
          await from(lab, 7, 4000, upsert(2, 'small number'));
          const run = await platform.sync();
          expect(run.records.map(({ data }) => Number(data['id']))).toEqual([2]);
          // The same number once more.
          await from(lab, 7, 4000, upsert(1, 'again'));
          await platform.sync();
          await platform.expectEqual([thing]);
        },
      )();
    });

    it('servers and numbers at random: after every read the destination equals the table', async () => {
      const seed = seedOfRun();
      const random = new Random(seed);
      await inLab(
        () => server,
        async lab => {
          await lab.sql(CREATE);
          const platform = await lab.connect();
          for (let round = 0; round < 8; round++) {
            await platform.sync();
            await platform.expectEqual([thing]);
            for (let change = random.between(0, 5); change > 0; change--) {
              const sql = random.chance(0.2)
                ? `DELETE FROM thing WHERE id = ${random.between(1, 6)}`
                : upsert(random.between(1, 6), `seed ${seed}, ${round}, ${change}`);
              await from(lab, random.between(1, 3), random.between(1, 9), sql);
            }
            if (random.chance(0.3)) await lab.sql('FLUSH BINARY LOGS');
          }
          await platform.sync();
          await platform.expectEqual([thing]);
        },
      )();
    });

    it('a state at the end of a file that was purged goes on in the next one; one in front of that is lost', async () => {
      await inLab(
        () => server,
        async lab => {
          await lab.sql(`${CREATE}; INSERT INTO thing VALUES (1, 'a')`);
          const platform = await lab.connect();
          await platform.sync();
          const behind = platform.fork();
          await lab.sql('FLUSH BINARY LOGS');
          await purge(lab);
          await lab.sql("INSERT INTO thing VALUES (2, 'b')");
          const run = await platform.sync();
          expect(run.records.map(({ data }) => Number(data['id']))).toEqual([2]);
          await lab.sql('FLUSH BINARY LOGS');
          await purge(lab);
          expect(failureOf(await behind.run({ mayFail: true }))).toMatch(/config_error \/ POSITION_LOST/);
        },
      )();
    });
  });
});

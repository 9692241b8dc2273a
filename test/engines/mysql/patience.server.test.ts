import { describe, expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { patience } from '../../kit/patience.ts';
import { query } from '../../kit/servers/mysql.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { createThing, failureOf, inLab, type Lab, series, thing } from './lab.ts';
import { readWithin } from './limited.ts';

describeMysql(flavor => {
  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor), body);
  const fill = `INSERT INTO thing SELECT i, REPEAT('x', 1000), i FROM ${series(12_000)}`;

  describe('#42 a snapshot that nothing comes of', () => {
    patience({
      inLab: lab,
      thing,
      fill: `${createThing} ${fill}`,
      slowView: 'CREATE VIEW slow AS SELECT id, SLEEP(1.5) AS s FROM thing WHERE id < 3',
      ordinal: 2, // behind the one for questions
      read: (platform, silenceMillis, options) => readWithin(platform, { limits: { silenceMillis }, ...options }),
    });

    it(
      'since somebody holds a lock: said while it is waited for; after a while transient, naming the table',
      lab(async lab => {
        await lab.sql(`${createThing} ${fill}`);
        const platform = await lab.connect();
        const keeper = await lab.client();
        await query(keeper, 'LOCK TABLES thing WRITE');
        const run = await readWithin(platform, { limits: { silenceMillis: 100, lockMillis: 2000 } });
        const name = `${lab.database.name}.thing`;
        expect(failureOf(run)).toMatch(
          `transient_error / SERVER_ERROR: ${name} was locked by another session for 2 seconds ("Waiting for`,
        );
        expect(run.logs.filter(message => message.includes(`Waiting for a lock on ${name} ("Waiting for`))).toHaveLength(1);
        platform.store(run);
        const running = readWithin(platform, { limits: { silenceMillis: 100 } });
        await new Promise(resolve => setTimeout(resolve, 3000));
        await query(keeper, 'UNLOCK TABLES');
        platform.store(await running);
        await platform.expectEqual([thing]);
      }),
    );
  });
});

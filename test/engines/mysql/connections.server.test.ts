import { expect, it } from 'vitest';
import { mysqlConfig } from '../../../src/engines/mysql/config.ts';
import { openSession } from '../../../src/engines/mysql/session.ts';
import { checkOf, codes, text } from '../../kit/check.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { expectSuccess, type RunResult } from '../../kit/run-connector.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { createThing, failureOf, inLab, type Lab, series, table, thing } from './lab.ts';
import { readWithin } from './limited.ts';

const later = table('later', { id: 'integer', text: 'text' });

/** How many sessions at once the connector's account may have. */
const allow = (lab: Lab, sessions: number): Promise<unknown> =>
  lab.sql(`ALTER USER ${lab.database.name}@'%' WITH MAX_USER_CONNECTIONS ${sessions}`);

const createBoth = `${createThing} CREATE TABLE later (id bigint PRIMARY KEY, text longtext);
  INSERT INTO later SELECT i, REPEAT('x', 500) FROM ${series(6000)}; INSERT INTO thing VALUES (1, 'one', 1)`;

/** The log lacks what such an update leaves as it is. */
const changed = "SET SESSION binlog_row_image = 'MINIMAL'; UPDATE thing SET n = n + 1";

describeMysql(flavor => {
  const inOwnLab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor), body);
  const check = async (lab: Lab): Promise<string> => {
    const checked = await checkOf(context =>
      openSession(mysqlConfig.parse(lab.database.config()), context, () => {
        throw new Error('check reads nothing');
      }),
    );
    return `${codes(checked).join()} ${text(checked)}`;
  };

  it(
    'an account with three sessions can be read where values are read again, before a snapshot and between its chunks',
    inOwnLab(async lab => {
      await lab.sql(createBoth);
      await allow(lab, 3);
      const platform = await lab.connect({ streams: ['thing'] });
      await platform.sync();
      await lab.sql(changed);
      await platform.reconfigure({ streams: ['thing', 'later'] });
      let records = 0;
      let update: Promise<unknown> = Promise.resolve();
      const run = await readWithin(platform, {
        limits: {},
        onLine: line => {
          if (line.includes('"later"') && line.includes('"RECORD"') && ++records === 100) update = lab.sql(changed);
        },
      });
      await update;
      expectSuccess(run);
      platform.store(run);
      await platform.sync();
      await platform.expectEqual([thing, later]);
    }),
  );

  it(
    'a limit that is too low for any read is named, and no error to be tried again',
    inOwnLab(async lab => {
      await lab.sql(createBoth);
      const platform = await lab.connect({ streams: ['thing'] });
      const read = (): Promise<RunResult> => readWithin(platform, { limits: {} });
      await platform.sync();
      await lab.sql(changed);
      await allow(lab, 2);
      expect(await check(lab)).toMatch(
        /^SERVER_SETTING The account .* may have 2 sessions .* ALTER USER '\w+'@'%' WITH MAX_USER_CONNECTIONS \d+;$/,
      );
      expect(failureOf(await read())).toMatch(/^config_error \/ SERVER_SETTING: .*ALTER USER/);
      // Enough, but for others' sessions: that may be over by the next read.
      await allow(lab, 4);
      expect(await check(lab)).toBe(' ');
      const { username: user, password } = (lab.database.config() as { source: { username: string; password: string } }).source;
      const others = await Promise.all([1, 2].map(() => lab.server.client(lab.database.name, { user, password })));
      expect(failureOf(await read())).toMatch(/^transient_error \/ SERVER_ERROR: .*Raise the limit of the account/);
      for (const other of others) await other.end();
      expectSuccess(await read());
    }),
  );
});

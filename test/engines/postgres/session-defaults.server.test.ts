import { expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import { runEither } from '../../kit/run-within.ts';
import { engineConfig, withQuery } from './engine-fixture.ts';
import { createTwo, inLab, thing } from './lab.ts';

/** What a role or a database may be set to, and what would keep a read from working if its sessions were left with it. */
const DEFAULTS = [
  'default_transaction_read_only = on',
  'default_transaction_isolation = serializable',
  'default_transaction_deferrable = on',
  'exit_on_error = on',
  'row_security = off',
  // A busy server may need some milliseconds for our first message, which says that there is no limit.
  "statement_timeout = '50ms'",
  "lock_timeout = '1ms'",
  "idle_in_transaction_session_timeout = '1ms'",
];

describePostgres(major => {
  it.each(DEFAULTS)('check and read are not kept from working by ALTER DATABASE … SET %s', async setting => {
    await inLab(major, async lab => {
      await lab.sql(createTwo);
      const platform = await lab.connect();
      const { name } = lab.database;
      await lab.sql(`ALTER DATABASE ${name} SET ${setting}`);
      const check = await runEither({ command: 'check', config: platform.config });
      expect(check.messages.find(message => message?.connectionStatus)?.connectionStatus?.status).toBe('SUCCEEDED');
      const [row] = await withQuery(engineConfig(lab.server, name), query =>
        query.rows<{ value: string }>(`SELECT current_setting('${setting.split(' ')[0]}') AS value`),
      );
      expect(row?.value).not.toBe(setting.split(/ = '?|'$/)[1]);
      await platform.sync();
      // By a session of its own: with a transaction that may write.
      // From another database, where nothing is set.
      const reset = (): Promise<unknown> => lab.server.query('postgres', `ALTER DATABASE ${name} RESET ALL`);
      await reset();
      await lab.sql("UPDATE thing SET text = 'new' WHERE id = 1");
      await lab.sql(`ALTER DATABASE ${name} SET ${setting}`);
      await platform.sync();
      await reset();
      await platform.expectEqual([thing]);
    })();
  });
});

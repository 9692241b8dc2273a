import { expect, it } from 'vitest';
import { describeFlavor, describeMysql, mysqlLabel } from '../../kit/mysql-engines.ts';
import type { RunResult } from '../../kit/run-connector.ts';
import { startMysql } from '../../kit/servers/mysql.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { brief, inLab, type Lab, table } from './lab.ts';

const child = table('child', { id: 'integer', parent: 'integer' });
const family = `CREATE TABLE parent (id int PRIMARY KEY);
  CREATE TABLE child (id int PRIMARY KEY, parent int, CONSTRAINT c FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE);
  INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1, 1), (2, 2)`;

const warnings = (run: RunResult): readonly string[] =>
  run.messages.flatMap(message => {
    const { level, message: text = '' } = message?.log ?? {};
    return level === 'WARN' && text.includes('Foreign keys change rows') ? [text] : [];
  });

/** The rule is carried out by a trigger, whose changes are in the log of every server. */
const expectTriggerToDo = async (lab: Lab): Promise<void> => {
  await lab.sql('ALTER TABLE child DROP FOREIGN KEY c');
  await lab.sql('CREATE TRIGGER t BEFORE DELETE ON parent FOR EACH ROW DELETE FROM child WHERE parent = OLD.id');
  const platform = await lab.connect({ streams: ['parent', 'child'] });
  expect(warnings(await platform.sync())).toEqual([]);
  await lab.sql('DELETE FROM parent WHERE id = 2');
  expect(brief(await platform.sync(), 'child', 'id')).toEqual(['gone 2']);
  await platform.expectEqual([child]);
};

describeMysql(flavor => {
  it(
    'read warns of followed tables whose rows foreign keys change, where the log does not have that',
    inLab(
      () => acquireMysql(flavor),
      async lab => {
        await lab.sql(family);
        const platform = await lab.connect();
        const first = await platform.sync();
        await lab.sql('DELETE FROM parent WHERE id = 1');
        const second = await platform.sync();
        if (flavor === 'mysql') {
          expect([...warnings(first), ...warnings(second)]).toEqual([]);
          await platform.expectEqual([child]);
          return;
        }
        const warning = new RegExp(`^Foreign keys change rows of ${lab.database.name}\\.child when .* as full refresh, or let`);
        for (const run of [first, second]) expect(warnings(run)).toEqual([expect.stringMatching(warning)]);
        const whole = await lab.connect({ modes: { child: 'full_refresh' } });
        expect(warnings(await whole.run())).toEqual([]);
        await expectTriggerToDo(lab);
      },
    ),
  );
});

describeFlavor('mysql', `${mysqlLabel('mysql')}, foreign keys of InnoDB's own`, () => {
  it('read warns of them, and of the setting', async () => {
    const server = await startMysql({ flavor: 'mysql', settings: { innodb_native_foreign_keys: 'ON' } });
    try {
      await inLab(
        () => Promise.resolve(server),
        async lab => {
          await lab.sql(family);
          const platform = await lab.connect();
          expect(warnings(await platform.sync())).toEqual([expect.stringContaining('set innodb_native_foreign_keys = OFF')]);
          await expectTriggerToDo(lab);
        },
      )();
    } finally {
      await server.stop();
    }
  });
});

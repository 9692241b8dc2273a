import { expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { failureOf, inLab } from './lab.ts';

const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

describeMysql(flavor => {
  it(
    'a snapshot that goes on behind values that are none of the types of the key is refused, with the table',
    inLab(
      () => acquireMysql(flavor),
      async lab => {
        await lab.sql('CREATE TABLE thing (id bigint, day date, mark varchar(20), PRIMARY KEY (id, day, mark))');
        await lab.sql(
          `INSERT INTO thing VALUES ${Array.from({ length: 1000 }, (_, id) => `(${id}, '2024-01-01', 'mark')`).join(', ')}`,
        );
        const platform = await lab.connect();
        const [state] = (await platform.run()).states.filter(each => JSON.stringify(each).includes('"cursor":{'));
        const whole = JSON.stringify([state]);
        const [after = ''] = /"after":\[[^\]]+\]/.exec(whole) ?? [];
        for (const [why, ...key] of [
          ['"abc" is no number', 'abc', '2024-01-01', 'mark'],
          ['"2024-01-32" is no date', '1', '2024-01-32', 'mark'],
          ["'FFFE'", '1', '2024-01-01', '\xff\xfe'], // the server says so
        ]) {
          const damaged = whole.replace(after, `"after":${JSON.stringify(key.map(hex))}`);
          expect(damaged).not.toBe(whole);
          const run = await platform.run({ state: damaged, mayFail: true });
          expect(failureOf(run)).toMatch(/^config_error \/ STATE_INVALID: .*\.thing is damaged/);
          expect(failureOf(run)).toContain(why);
          expect(run.records).toEqual([]);
        }
      },
    ),
  );
});

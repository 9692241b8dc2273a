import { it } from 'vitest';
import { useScene } from '../../kit/conformance/scene.ts';
import { unstoredRuns } from '../../kit/conformance/states.ts';
import { conformance } from '../../kit/conformance.ts';
import { describeFlavor, flavorsHere } from '../../kit/mysql-engines.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { mysqlBackend } from './backend.ts';
import { inLab, table } from './lab.ts';

for (const flavor of flavorsHere) conformance(mysqlBackend(flavor));

// Where the log does not name its columns, what it says of a table without a place in it can only be guessed.
for (const flavor of flavorsHere) {
  const backend = mysqlBackend(flavor, 'MINIMAL');
  describeFlavor(flavor, `${backend.label}, states`, () => {
    unstoredRuns(useScene(backend));

    it('deletes all of many rows of one statement that only a run without a stored state has printed', async () => {
      const server = await acquireMysql(flavor, 'MINIMAL');
      const body = inLab(
        () => server,
        async lab => {
          await lab.sql(
            'CREATE TABLE thing (id int PRIMARY KEY, n int); INSERT INTO thing VALUES (1, 1), (2, 1), (3, 1), (4, 1)',
          );
          const platform = await lab.connect();
          await platform.sync();
          platform.clear('thing');
          platform.store(await platform.run(), -1);
          await lab.sql('DELETE FROM thing WHERE id < 4; UPDATE thing SET id = 5');
          await platform.sync();
          await platform.expectEqual([table('thing', { id: 'integer', n: 'integer' })]);
        },
      );
      await body();
    });
  });
}

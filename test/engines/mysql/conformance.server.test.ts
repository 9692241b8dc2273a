import { useScene } from '../../kit/conformance/scene.ts';
import { unstoredRuns } from '../../kit/conformance/states.ts';
import { conformance } from '../../kit/conformance.ts';
import { describeFlavor, flavorsHere } from '../../kit/mysql-engines.ts';
import { mysqlBackend } from './backend.ts';

for (const flavor of flavorsHere) conformance(mysqlBackend(flavor));

// Where the log does not name its columns, what it says of a table without a place in it can only be guessed.
for (const flavor of flavorsHere) {
  const backend = mysqlBackend(flavor, 'MINIMAL');
  describeFlavor(flavor, `${backend.label}, states`, () => unstoredRuns(useScene(backend)));
}

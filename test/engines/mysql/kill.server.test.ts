import { killsOfRun, killTest } from '../../kit/kill.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { mysqlBackend } from './backend.ts';

// Shared by the kinds of metadata: they differ in how columns are found, not in how positions are kept.
describeMysql(flavor => {
  const kinds = rowMetadataOf(flavor);
  for (const metadata of kinds) killTest(mysqlBackend(flavor, metadata), Math.ceil((2 * killsOfRun) / kinds.length));
});

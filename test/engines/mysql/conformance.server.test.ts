import { conformance } from '../../kit/conformance.ts';
import { mysqlFlavors } from '../../kit/servers/mysql.ts';
import { mysqlBackend } from './backend.ts';

for (const flavor of mysqlFlavors) conformance(mysqlBackend(flavor));

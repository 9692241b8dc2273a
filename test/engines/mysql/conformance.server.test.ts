import { conformance } from '../../kit/conformance.ts';
import { flavorsHere } from '../../kit/mysql-engines.ts';
import { mysqlBackend } from './backend.ts';

for (const flavor of flavorsHere) conformance(mysqlBackend(flavor));

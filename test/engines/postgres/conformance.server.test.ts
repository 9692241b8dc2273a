import { conformance } from '../../kit/conformance.ts';
import { postgresMajors } from '../../kit/servers/postgres.ts';
import { postgresBackend } from './backend.ts';

for (const major of postgresMajors) conformance(postgresBackend(major));

import { describePostgres } from '../../kit/engines.ts';
import { killTest } from '../../kit/kill.ts';
import { postgresBackend } from './backend.ts';

describePostgres(major => killTest(postgresBackend(major)));

import { describe } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import { typeCases } from '../../kit/type-cases.ts';
import { onPostgres, underUnlikeSettings } from './types/type-database.ts';
import { nativeJsonTypes, postgresTypes } from './types.cases.ts';

describePostgres(major => {
  describe('types', () => typeCases({ ...onPostgres(major), families: postgresTypes }));

  describe('json_columns: native', () => {
    typeCases({ ...onPostgres(major, { json_columns: 'native' }), families: nativeJsonTypes });
  });

  describe('settings of role and database that print values in other ways', () => {
    typeCases({ ...underUnlikeSettings(major), families: postgresTypes });
  });
});

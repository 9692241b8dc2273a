import { describe } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import type { JsonObject } from '../../kit/messages.ts';
import type { PostgresMajor } from '../../kit/servers/postgres.ts';
import { type TypeCaseOptions, type TypeDatabase, typeCases } from '../../kit/type-cases.ts';
import { postgresBackend } from './backend.ts';
import { unlikeSettings } from './types/unlike-settings.ts';
import { nativeJsonTypes, postgresTypes } from './types.cases.ts';

const options = (major: PostgresMajor, source: JsonObject = {}): Omit<TypeCaseOptions, 'families'> => ({
  version: major,
  open: async () => {
    const database = await postgresBackend(major).open();
    return { config: () => database.config({ source }), query: sql => database.query(sql), drop: () => database.drop() };
  },
  offers: async (database, extension) => {
    const found = await database.query(`SELECT FROM pg_available_extensions WHERE name = '${extension}'`);
    return Array.isArray(found) && found.length > 0;
  },
  logOldRow: table => `ALTER TABLE ${table} REPLICA IDENTITY FULL`,
});

describePostgres(major => {
  describe('types', () => typeCases({ ...options(major), families: postgresTypes }));

  describe('json_columns: native', () => {
    typeCases({ ...options(major, { json_columns: 'native' }), families: nativeJsonTypes });
  });

  describe('settings of role and database that print values in other ways', () => {
    const open = async (): Promise<TypeDatabase> => unlikeSettings(await postgresBackend(major).open());
    typeCases({ ...options(major), open, families: postgresTypes });
  });
});

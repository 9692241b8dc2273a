import { describe } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { typeCases } from '../../kit/type-cases.ts';
import { onMysql, underUnlikeSettings } from './types/type-database.ts';
import { mysqlTypes, nativeJsonTypes, tinyint1Types } from './types.cases.ts';

describeMysql(flavor => {
  const families = mysqlTypes[flavor];
  describe('types', () => typeCases({ ...onMysql(flavor), families }));

  for (const metadata of rowMetadataOf(flavor).slice(1)) {
    describe(`binlog_row_metadata=${metadata}`, () => typeCases({ ...onMysql(flavor, {}, metadata), families }));
  }

  describe('json_columns: native', () => {
    typeCases({ ...onMysql(flavor, { json_columns: 'native' }), families: nativeJsonTypes[flavor] });
  });

  describe('tinyint1_as: integer', () => {
    typeCases({ ...onMysql(flavor, { tinyint1_as: 'integer' }), families: tinyint1Types });
  });

  describe('settings of server and session that print or log values in other ways', () => {
    typeCases({ ...underUnlikeSettings(flavor), families });
  });
});

import type { ColumnLayout } from '../../../../../src/engines/mysql/layout/column-layout.ts';

/** A column that may be null and has no character set, unless told. */
export const column = (name: string, columnType: string, more: Partial<ColumnLayout> = {}): ColumnLayout => ({
  name,
  columnType,
  charset: null,
  collation: null,
  nullable: true,
  generated: '',
  ...more,
});

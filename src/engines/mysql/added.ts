import type { AddedOptions } from '../../contract/added-columns.ts';

/** The columns of changes that this engine names itself. */
export const ADDED = {
  cursorColumn: '_ab_cdc_cursor',
  originColumns: [
    { name: '_ab_cdc_log_file', type: { kind: 'string' }, nullable: true },
    { name: '_ab_cdc_log_pos', type: { kind: 'integer' }, nullable: true },
  ],
} as const satisfies Omit<AddedOptions, 'sharded'>;

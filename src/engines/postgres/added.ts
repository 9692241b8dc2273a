import type { AddedOptions } from '../../contract/added-columns.ts';

/** The columns of changes that this engine names itself. */
export const ADDED = { cursorColumn: '_ab_cdc_lsn', originColumns: [] } as const satisfies Omit<AddedOptions, 'sharded'>;

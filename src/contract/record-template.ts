import { Constant } from '../bytes/constant.ts';
import type { Selection } from './table.ts';

/** What one stream has sent in this run, over all shards. Plain fields: they are counted up for every record. */
export class StreamCounter {
  records = 0;
  bytes = 0;
  /** `records` when the last STATE line was written. */
  recordsInState = 0;
}

/** The constant bytes of a stream's records; made once per table, not per row. */
export class RecordTemplate {
  readonly selection: Selection;
  /** `{"type":"RECORD",…,"data":` */
  readonly head: Constant;
  /** For each selected column `,"name":`; the first comma of a record becomes its brace. */
  readonly keys: readonly Constant[];
  /** Whether the `_ab_cdc_*` columns belong to it. */
  readonly changes: boolean;
  readonly counter: StreamCounter;

  constructor(selection: Selection, changes: boolean, counter: StreamCounter) {
    const { namespace, name } = selection.table.id;
    const where = namespace === '' ? '' : `"namespace":${JSON.stringify(namespace)},`;
    this.selection = selection;
    this.head = new Constant(`{"type":"RECORD","record":{"stream":${JSON.stringify(name)},${where}"data":`);
    this.keys = selection.columns.map(column => new Constant(`,${JSON.stringify(column.name)}:`));
    this.changes = changes;
    this.counter = counter;
  }
}

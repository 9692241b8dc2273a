import { type TableId, tableLabel } from '../../contract/ids.ts';
import type { Table } from '../../contract/table.ts';
import { parseColumnType, type TableLayout } from './layout/column-layout.ts';

export interface FollowFacts {
  readonly id: TableId;
  /** TABLE_TYPE. */
  readonly type: string;
  readonly engine: string;
  readonly layout: TableLayout;
  /** The layout has all columns: none is hidden from the user. */
  readonly whole: boolean;
  /** `binlog_row_metadata=FULL`. */
  readonly namesInLog: boolean;
  /** Characters that the labels of a column have by the catalog (see `readLabelLengths`); undefined: not asked. */
  readonly lengths: (column: string) => number | undefined;
}

/** Engines whose tables show what stands, and is changed, somewhere else. */
const ELSEWHERE = ['mrg_myisam', 'federated', 'connect', 'spider', 'ndbcluster', 'columnstore', 'sphinx', 'oqgraph'];

/** Character sets with characters that the server's own catalog, which is in utf8mb3, cannot show. */
const BEYOND_CATALOG = ['utf8mb4', 'utf16', 'utf16le', 'utf32', 'gb18030'];

/** Whether the log brings all that happens to the table; otherwise why not, for people. */
export function followOf(facts: FollowFacts): Table['follow'] {
  const { id, type, engine, layout, whole, namesInLog, lengths } = facts;
  const label = tableLabel(id);
  if (type === 'VIEW') return { reason: `${label} is a view: the log has the changes of its tables, not its own.` };
  if (type === 'SYSTEM VERSIONED') {
    return { reason: `${label} is system-versioned: in its log, old versions of rows cannot be told from rows.` };
  }
  if (ELSEWHERE.includes(engine.toLowerCase())) {
    return { reason: `${label} is of engine ${engine}: what it shows is changed elsewhere, so the log may lack changes.` };
  }
  if (!whole) {
    return {
      reason: `some columns of ${label} are hidden from the user, and the log cannot be read without knowing all of them. Grant SELECT on the whole table.`,
    };
  }
  const veiled = namesInLog ? undefined : layout.columns.find(hasVeiledLabels);
  if (veiled !== undefined) {
    return {
      reason: `a label of the column ${veiled.name} of ${label} holds "?", which also stands for characters that the server's catalog cannot show. Run: SET GLOBAL binlog_row_metadata = 'FULL'; then the log brings the labels.`,
    };
  }
  const cut = namesInLog ? undefined : layout.columns.find(column => hasCutLabels(column, lengths(column.name)));
  if (cut !== undefined) {
    return {
      reason: `a label of the column ${cut.name} of ${label} has bytes that are no text, and the server's catalog cuts it there. Write the labels anew (ALTER TABLE … MODIFY), or run: SET PERSIST binlog_row_metadata = 'FULL'; then the log brings the labels.`,
    };
  }
  return true;
}

/** Labels whose bytes were left as they are by CONVERT TO CHARACTER SET are longer than what the catalog shows of them. */
function hasCutLabels({ columnType }: TableLayout['columns'][number], characters: number | undefined): boolean {
  if (characters === undefined) return false;
  const { base, labels } = parseColumnType(columnType);
  const shown = labels.map(text => [...text].length);
  const all = base === 'set' ? shown.reduce((sum, length) => sum + length, labels.length - 1) : Math.max(0, ...shown);
  return all < characters;
}

/** Where the catalog cannot show a character of a label, it shows a question mark. */
const hasVeiledLabels = ({ columnType, charset }: TableLayout['columns'][number]): boolean =>
  charset !== null &&
  BEYOND_CATALOG.includes(charset) &&
  /^(?:enum|set)\b/i.test(columnType) &&
  parseColumnType(columnType).labels.some(label => label.includes('?'));

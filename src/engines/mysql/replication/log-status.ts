import { ConnectorError } from '../../../contract/errors.ts';
import type { Query } from '../sql.ts';
import { serverError } from '../wire/errors.ts';

/** A place in the log of a server without GTIDs. */
export interface FilePlace {
  readonly file: string;
  readonly pos: number;
}

/** How long commits that are under way may keep the server from saying where its log stands. It knows no limit itself. */
const STATUS_MILLIS = 15_000;
/** The same for the lock, behind which everybody who writes has to wait as long as we do. */
const LOCK_SECONDS = 5;
/** No more locks than this, however often a place is asked for. */
const LOCK_PAUSE_MILLIS = 10_000;

const NOT_ALLOWED = [1044, 1142, 1227];
/** No such table, and a feature that is switched off: servers that have no such status. */
const NOT_THERE = [1146, 3167];
const LOCK_WAIT_TIMEOUT = 1205;

/** Of the server's error, as it is or as the cause of one of ours. */
const errnoOf = (error: unknown): number =>
  (serverError(error) ?? (error instanceof Error ? serverError(error.cause) : undefined))?.errno ?? 0;

const waiting = (cause?: unknown): ConnectorError => {
  const detail =
    'Commits do not come to an end, so that the server, which works without GTIDs, cannot say where its log and its tables agree: most likely they wait for a semi-synchronous replica, or a long statement is in the way.';
  return new ConnectorError('TRANSACTIONS_IN_PROGRESS', detail, { cause });
};

/**
 * What the engines and the log agree on, its file empty where there is no log; null where the account may not ask for it,
 * or the server does not have it.
 * It waits for commits that are under way: TRANSACTIONS_IN_PROGRESS when they do not end in 15 seconds, and the connection
 * must not be used any more then.
 */
export async function readLogStatus(query: Query): Promise<FilePlace | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(waiting()), STATUS_MILLIS);
  });
  const answer = query.rows<{ file: string | null; pos: string | null }>(
    "SELECT LOCAL->>'$.binary_log_file' AS file, LOCAL->>'$.binary_log_position' AS pos FROM performance_schema.log_status",
  );
  try {
    const [row] = await Promise.race([answer, late]);
    return { file: row?.file ?? '', pos: Number(row?.pos ?? 0) };
  } catch (error) {
    const errno = errnoOf(error);
    if (NOT_ALLOWED.includes(errno) || NOT_THERE.includes(errno)) return null;
    throw error;
  } finally {
    clearTimeout(timer);
    answer.catch(() => {}); // nobody waits for it any more
  }
}

/**
 * Where the log stands for a moment in which nobody commits, by FLUSH TABLES WITH READ LOCK. Throws PERMISSION_DENIED, and
 * TRANSACTIONS_IN_PROGRESS when the lock cannot be had within 5 seconds.
 */
async function underLock<T>(query: Query, read: () => Promise<T>): Promise<T> {
  await query.rows(`SET SESSION lock_wait_timeout = ${LOCK_SECONDS}`);
  try {
    await query.rows('FLUSH TABLES WITH READ LOCK');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === LOCK_WAIT_TIMEOUT) throw waiting(error);
    if (!NOT_ALLOWED.includes(errno)) throw error;
    const detail =
      'The server works without GTIDs, so that a safe place in its log takes a privilege. Run: GRANT BACKUP_ADMIN ON *.* TO …; GRANT SELECT ON performance_schema.log_status TO …; or GRANT RELOAD ON *.* TO …; or turn gtid_mode ON.';
    throw new ConnectorError('PERMISSION_DENIED', detail, { cause: error });
  }
  try {
    return await read();
  } finally {
    await query.rows('UNLOCK TABLES');
  }
}

/** Finds places such that whatever stands in front of them is visible. `status`: the end of the log as the server shows it. */
export class LogStatus {
  readonly #query: Query;
  readonly #status: () => Promise<FilePlace>;
  #locked: FilePlace | null = null;
  #lockedAt = 0;

  constructor(query: Query, status: () => Promise<FilePlace>) {
    this.#query = query;
    this.#status = status;
  }

  /** For who asks again and again: where it takes a lock, the last place stands in for the newest one for a while. */
  async read(): Promise<FilePlace> {
    if (this.#locked !== null && Date.now() - this.#lockedAt < LOCK_PAUSE_MILLIS) return this.#locked;
    const place = await readLogStatus(this.#query);
    if (place !== null && place.file !== '') return place;
    this.#locked = await underLock(this.#query, this.#status);
    this.#lockedAt = Date.now();
    return this.#locked;
  }
}

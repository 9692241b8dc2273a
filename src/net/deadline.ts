import { ConnectorError } from '../contract/errors.ts';

/** For the whole of a connection: TCP, TLS, login, session settings. */
const CONNECT_TIMEOUT_MILLIS = 15_000;
/** How long the server may be silent over questions that it answers at once. */
export const ANSWER_MILLIS = 30_000;
/** The same for what may wait for a lock, or goes over the whole catalog. */
export const PATIENT_MILLIS = 10 * 60_000;

/**
 * Runs what opens a connection, and gives up after 15 seconds or when `signal` is aborted: the signal that `open` is given
 * then aborts, and whatever it throws becomes SERVER_UNREACHABLE or STOPPED. `what` begins the sentence: "Connecting to …".
 */
export async function withinTime<T>(what: string, signal: AbortSignal, open: (signal: AbortSignal) => Promise<T>): Promise<T> {
  if (signal.aborted) throw new ConnectorError('STOPPED', what);
  const abort = new AbortController();
  const onAbort = (): void => abort.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort.abort();
  }, CONNECT_TIMEOUT_MILLIS);
  try {
    return await open(abort.signal);
  } catch (error) {
    if (late) {
      const detail = `${what}: no login within ${CONNECT_TIMEOUT_MILLIS / 1000} seconds.`;
      throw new ConnectorError('SERVER_UNREACHABLE', detail, { cause: error });
    }
    if (signal.aborted) throw new ConnectorError('STOPPED', what, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

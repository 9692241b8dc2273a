import type { EngineContext } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import type { Query } from '../sql.ts';
import { dropSlot, readSlot, type Slot, slotLoss } from './slot.ts';

/** How long a slot is waited for that another process holds: a killed predecessor, until the server notices. */
const SLOT_MILLIS = 60_000;
const SLOT_POLL_MILLIS = 250;

/** The slot as soon as nobody reads it; undefined when there is none. Throws SLOT_BUSY after a minute. */
export async function freeSlot(query: Query, name: string, { signal, log }: EngineContext): Promise<Slot | undefined> {
  for (let waited = 0; ; waited += SLOT_POLL_MILLIS) {
    const slot = await readSlot(query, name);
    if (slot?.active !== true || slot.temporary) return slot;
    if (signal.aborted) throw new ConnectorError('STOPPED', `Stopped while waiting for the replication slot "${name}".`);
    if (waited >= SLOT_MILLIS) {
      const detail = `"${name}" has been held by the server process ${slot.activePid ?? '?'} for ${SLOT_MILLIS / 1000} seconds.`;
      throw new ConnectorError('SLOT_BUSY', detail);
    }
    if (waited === 4 * SLOT_POLL_MILLIS)
      log.info(`Waiting for the replication slot "${name}": process ${slot.activePid ?? '?'} reads it.`);
    await new Promise(resolve => setTimeout(resolve, SLOT_POLL_MILLIS));
  }
}

/** Drops a slot that nothing can be read from any more, and says so. */
export async function giveUpSlot(query: Query, slot: Slot, { log }: EngineContext): Promise<void> {
  const why = slotLoss(slot);
  log.warn(`${why === undefined ? '' : `${why} `}Dropping the replication slot "${slot.name}": it is of no use any more.`);
  await dropSlot(query, slot.name);
}

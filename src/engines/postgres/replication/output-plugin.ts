import type pg from 'pg';
import { ConnectorError } from '../../../contract/errors.ts';
import { type Query, queryOn, quoteIdent } from '../sql.ts';
import { OUTPUT_PLUGINS, outputPluginRemedy, serverError } from '../wire/errors.ts';
import { createSlotWithin } from './create-slot.ts';

/** What is known of whether this role's slots may use pgoutput: `hidden` where the server does not show the list to it. */
export type PluginAccess = 'allowed' | 'hidden' | { readonly refused: string };

/** How long a slot is waited for that only shows whether its plugin is allowed, which the server looks at first. */
const PROBE_MILLIS = 1_000;

/** Asks for `output_plugin_libraries`, which came with 19 and with the minor versions of its year, for superusers' eyes. */
export async function readPluginAccess(query: Query): Promise<PluginAccess> {
  try {
    const [row] = await query.rows<{ libraries: string | null }>(
      `SELECT current_setting('${OUTPUT_PLUGINS}', true) AS libraries`,
    );
    const libraries = row?.libraries ?? null;
    if (libraries === null || namesIn(libraries).includes('pgoutput')) return 'allowed';
    return {
      refused: `${OUTPUT_PLUGINS} is ${libraries === '' ? 'empty' : libraries}: it lacks pgoutput. ${outputPluginRemedy}`,
    };
  } catch (error) {
    if (serverError(error)?.code === '42501') return 'hidden'; // insufficient_privilege
    throw error;
  }
}

const namesIn = (list: string): readonly string[] => list.split(',').map(name => name.trim().replace(/^"(.*)"$/, '$1'));

/** Tries with a temporary slot, which is gone when this resolves. Undefined where nothing is said against the plugin. */
export async function tryPlugin(replication: pg.Client, control: Query): Promise<ConnectorError | undefined> {
  const name = `tributary_check_${Math.random().toString(36).slice(2, 12)}`;
  try {
    await createSlotWithin(PROBE_MILLIS, replication, control, name, { temporary: true });
    await queryOn(replication).rows(`DROP_REPLICATION_SLOT ${quoteIdent(name)}`);
    return undefined;
  } catch (error) {
    const refused = error instanceof ConnectorError && error.detail.includes(OUTPUT_PLUGINS);
    return refused ? error : undefined;
  }
}

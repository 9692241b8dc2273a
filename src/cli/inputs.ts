/** The files that `read` is given beside the configuration: ajv looks at their shape first, then `protocol/` reads them. */
import { ConnectorError, type ErrorCode } from '../contract/errors.ts';
import { type ConfiguredCatalog, toConfiguredCatalog } from '../protocol/catalog.ts';
import { describeFlaw, parseJson } from '../protocol/json-text.ts';
import { type Checkpoint, toCheckpoint } from '../protocol/state.ts';
import { lookingInto, readText } from './files.ts';
import { CATALOG, STATE, STATES } from './shapes.ts';
import { problemsIn } from './validate.ts';

/** A list of states, one state, or nothing; what is inside a state of ours is for `protocol/state.ts` to say. */
const stateSchema = (value: unknown): object => (Array.isArray(value) ? STATES : STATE);

export async function loadCatalog(path: string): Promise<ConfiguredCatalog> {
  const text = await readText('--catalog', path);
  return await lookingInto(path, async () => toConfiguredCatalog(await valid(() => CATALOG, text, 'CATALOG_INVALID')));
}

/** Null for every way of saying that there is no state. */
export async function loadState(path: string, engine: string): Promise<Checkpoint | null> {
  const text = await readText('--state', path);
  if (text.trim() === '') return null;
  return await lookingInto(path, async () => toCheckpoint(await valid(stateSchema, text, 'STATE_INVALID'), engine));
}

async function valid(schemaFor: (value: unknown) => object, text: string, code: ErrorCode): Promise<unknown> {
  const json = parseJson(text);
  if ('flaw' in json) throw new ConnectorError(code, `${describeFlaw(json.flaw)}.`);
  const problems = await problemsIn(schemaFor(json.value), json.value);
  if (problems.length > 0) throw new ConnectorError(code, `${problems.join('; ')}.`);
  return json.value;
}

/** The files that `read` is given beside the configuration: ajv looks at their shape first, then `protocol/` reads them. */
import { ConnectorError, type ErrorCode } from '../contract/errors.ts';
import { type ConfiguredCatalog, toConfiguredCatalog } from '../protocol/catalog.ts';
import { describeFlaw, parseJson } from '../protocol/json-text.ts';
import { type Checkpoint, toCheckpoint } from '../protocol/state.ts';
import { readText } from './files.ts';
import { problemsIn } from './validate.ts';

const name = { type: 'string', minLength: 1 };
const optionalObject = { type: ['object', 'null'] };

/** What a source needs of a configured catalog; platforms add fields, values and nulls of their own. */
const CATALOG = {
  type: 'object',
  required: ['streams'],
  properties: {
    streams: {
      type: 'array',
      items: {
        type: 'object',
        required: ['stream', 'sync_mode'],
        properties: {
          stream: {
            type: 'object',
            required: ['name'],
            properties: {
              name,
              namespace: { type: ['string', 'null'] },
              json_schema: { ...optionalObject, properties: { properties: optionalObject } },
            },
          },
          sync_mode: { enum: ['full_refresh', 'incremental'] },
        },
      },
    },
  },
};

const streamState = {
  type: 'object',
  required: ['stream_descriptor'],
  properties: {
    stream_descriptor: { type: 'object', required: ['name'], properties: { name, namespace: { type: ['string', 'null'] } } },
    stream_state: optionalObject,
  },
};
const byType = (type: string, key: string, schema: object): object => ({
  if: { type: 'object', required: ['type'], properties: { type: { const: type } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: [key], properties: { [key]: schema } },
});
const state = {
  type: ['object', 'null'],
  allOf: [
    byType('STREAM', 'stream', streamState),
    byType('GLOBAL', 'global', {
      type: 'object',
      required: ['stream_states'],
      properties: { shared_state: optionalObject, stream_states: { type: 'array', items: streamState } },
    }),
  ],
};
/** A list of states, one state, or nothing; what is inside a state of ours is for `protocol/state.ts` to say. */
const stateSchema = (value: unknown): object => (Array.isArray(value) ? { type: 'array', items: state } : state);

export async function loadCatalog(path: string): Promise<ConfiguredCatalog> {
  return toConfiguredCatalog(valid(() => CATALOG, await readText('--catalog', path), 'CATALOG_INVALID'));
}

/** Null for every way of saying that there is no state. */
export async function loadState(path: string, engine: string): Promise<Checkpoint | null> {
  const text = await readText('--state', path);
  return text.trim() === '' ? null : toCheckpoint(valid(stateSchema, text, 'STATE_INVALID'), engine);
}

function valid(schemaFor: (value: unknown) => object, text: string, code: ErrorCode): unknown {
  const json = parseJson(text);
  if ('flaw' in json) throw new ConnectorError(code, `${describeFlaw(json.flaw)}.`);
  const problems = problemsIn(schemaFor(json.value), json.value);
  if (problems.length > 0) throw new ConnectorError(code, `${problems.join('; ')}.`);
  return json.value;
}

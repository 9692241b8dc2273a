/** The shapes of the files that `read` is given beside the configuration, as JSON Schema. */

const name = { type: 'string', minLength: 1 };
const optionalObject = { type: ['object', 'null'] };

/** What a source needs of a configured catalog; platforms add fields, values and nulls of their own. */
export const CATALOG: object = {
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
export const STATE: object = {
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
export const STATES: object = { type: 'array', items: STATE };

export const FILE_SHAPES: readonly object[] = [CATALOG, STATE, STATES];

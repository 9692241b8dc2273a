import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import type { CatalogStream, Message } from './messages.ts';
import { repository } from './paths.ts';

const isDate = (text: string): boolean => {
  const match = /^(\d{4})-(\d\d)-(\d\d)( BC)?$/.exec(text);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  // 1 BC is the astronomical year 0, which is a leap year.
  const astronomical = match[4] === undefined ? year : 1 - year;
  const leap = (astronomical % 4 === 0 && astronomical % 100 !== 0) || astronomical % 400 === 0;
  const lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return year > 0 && day > 0 && day <= (lengths[month - 1] ?? 0);
};

const clock = String.raw`([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?`;
const offset = String.raw`(Z|[+-](0\d|1[0-5]):[0-5]\d)`;
const timeForms: Readonly<Record<string, RegExp>> = {
  time_without_timezone: new RegExp(`^${clock}$`),
  time_with_timezone: new RegExp(`^${clock}${offset}$`),
  timestamp_without_timezone: new RegExp(`^[-0-9]{10}T${clock}( BC)?$`),
  timestamp_with_timezone: new RegExp(`^[-0-9]{10}T${clock}${offset}( BC)?$`),
};
const isDateTime = (text: string): boolean => isDate(text.slice(0, 10) + (text.endsWith(' BC') ? ' BC' : ''));

/** Whether a value has the form that its `airbyte_type` promises (protocol, "Airbyte data types"). */
const fitsAirbyteType = (type: string, value: unknown): boolean => {
  if (type === 'integer') return typeof value !== 'number' || Number.isInteger(value);
  const form = timeForms[type];
  if (form === undefined) return type === 'big_number' || type === 'json';
  return typeof value !== 'string' || (form.test(value) && (!type.startsWith('timestamp') || isDateTime(value)));
};

const isBase64 = (text: string): boolean =>
  text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text) && Buffer.from(text, 'base64').toString('base64') === text;

/** JSON Schema with the words that Airbyte adds. */
const newAjv = (): Ajv => {
  const ajv = new Ajv({ strict: false, allErrors: false, validateSchema: false, logger: false });
  ajv.addFormat('date', isDate);
  ajv.addFormat('date-time', isDateTime);
  ajv.addFormat('time', new RegExp(`^${clock}${offset}?$`));
  ajv.addFormat('uri', /^[a-z][a-z0-9+.-]*:/i);
  ajv.addKeyword({ keyword: 'airbyte_type', validate: fitsAirbyteType });
  // In ajv's own vocabulary it is a remark; here it is a rule.
  ajv.removeKeyword('contentEncoding');
  ajv.addKeyword({
    keyword: 'contentEncoding',
    type: 'string',
    validate: (encoding: string, value: string) => encoding !== 'base64' || isBase64(value),
  });
  return ajv;
};

const explain = (validate: ValidateFunction): string =>
  (validate.errors ?? []).map(error => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`).join('; ');

/** Null when the message follows the protocol's schema (spec/airbyte-protocol.json), else what is wrong. */
export type MessageCheck = (message: Message) => string | null;

let protocol: MessageCheck | null = null;

export const protocolCheck = (): MessageCheck => {
  if (protocol !== null) return protocol;
  const path = join(repository, 'spec/airbyte-protocol.json');
  if (!existsSync(path)) throw new Error('spec/airbyte-protocol.json is missing');
  const schema = JSON.parse(readFileSync(path, 'utf8')) as { definitions?: { AirbyteMessage?: object }; $ref?: string };
  const ajv = newAjv();
  // Either the root describes a message, or it is a collection of definitions.
  const root = 'type' in schema || schema.$ref !== undefined || schema.definitions?.AirbyteMessage === undefined;
  const validate = ajv.compile(root ? schema : { ...schema, $ref: '#/definitions/AirbyteMessage' });
  protocol = message => (validate(message) ? null : explain(validate));
  return protocol;
};

const compiled = new WeakMap<CatalogStream, ValidateFunction>();

/** Null when `data` is valid against the stream's schema in the catalog, else what is wrong. */
export const checkData = (stream: CatalogStream, data: Readonly<Record<string, unknown>>): string | null => {
  const validate = compiled.get(stream) ?? newAjv().compile(stream.json_schema as object);
  compiled.set(stream, validate);
  return validate(data) ? null : explain(validate);
};

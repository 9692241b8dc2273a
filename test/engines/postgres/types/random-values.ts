import type { Random } from '../../../kit/random.ts';
import { quote } from './rows.ts';

/** A column of random values, and what a record must say of one, made of the server's own text for it. */
export interface RandomColumn {
  readonly native: string;
  /** A value as SQL writes it. */
  readonly value: (random: Random) => string;
  /** What a record says of the value that the server prints as `text`; null stands for what cannot be said. */
  readonly said: (text: string) => string | null;
  /** How SQL makes the text for `said`, where it is not what the type's output function prints. */
  readonly text?: (column: string) => string;
}

const count = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const some = (random: Random, least: number, most: number): readonly number[] => count(1, random.between(least, most));
const join = (random: Random, least: number, most: number, one: (random: Random) => string, between = ''): string =>
  some(random, least, most)
    .map(() => one(random))
    .join(between);
const byte = (random: Random): string => random.between(0, 255).toString(16).padStart(2, '0');
const digitsOf = (random: Random, most: number): string => join(random, 1, most, () => String(random.between(0, 9)));
const signed = (random: Random, text: string): string => (random.chance(0.5) ? `-${text}` : text);

/** Any bits: most of what `real` and `double precision` can be, subnormals and NaN included. */
const floatBits = (random: Random, bytes: 4 | 8): string => {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, Math.floor(random.next() * 2 ** 32));
  view.setUint32(4, Math.floor(random.next() * 2 ** 32));
  const value = bytes === 4 ? view.getFloat32(0) : view.getFloat64(0);
  return Object.is(value, -0) ? '-0' : String(value);
};
const simpleFloat = (random: Random): string =>
  random.chance(0.5) ? String(random.between(-1000, 1000) / 100) : floatBits(random, 8);

const planes = [
  [0x01, 0x7f],
  [0x20, 0x7e],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x1_0000, 0x10_ffff],
] as const;
const letter = (random: Random): string => {
  const [from, to] = random.pick(planes);
  return random.chance(0.3) ? random.pick([...'"\\\'{},\t\n\r']) : String.fromCodePoint(random.between(from, to));
};
const text = (random: Random): string => join(random, 0, random.magnitude(1, 60), letter);

const jsonValue = (random: Random, depth: number): unknown => {
  const kind = random.between(0, depth > 0 ? 6 : 4);
  if (kind === 0) return null;
  if (kind === 1) return random.chance(0.5);
  if (kind === 2) return random.between(-1_000_000, 1_000_000) / 1000;
  if (kind < 5) return text(random);
  const parts = some(random, 0, 4).map(() => jsonValue(random, depth - 1));
  return kind === 5 ? parts : Object.fromEntries(parts.map(part => [text(random), part]));
};
const json = (random: Random): string => JSON.stringify(jsonValue(random, 3), null, random.pick(['', ' ', '\t', '\r\n']));
/** Without the white space between tokens. */
const compact = (printed: string): string => printed.replace(/"(?:[^"\\]|\\.)*"|\s+/g, found => (found[0] === '"' ? found : ''));

const microseconds = (random: Random): string => `${random.between(0, 86_399_999_999)} * interval '1 microsecond'`;
/** Days from 2000-01-01 to any date there is, most of them near. */
const days = (random: Random): number =>
  random.chance(0.5) ? random.magnitude(1, 106_751_900) - 1 : 1 - random.magnitude(1, 2_451_500);
const date = (random: Random): string =>
  random.chance(0.03) ? "'infinity'" : `'2000-01-01'::date + ${Math.min(days(random), 2_145_031_900)}`;
const instant = (random: Random, type: string): string =>
  random.chance(0.03) ? "'-infinity'" : `'2000-01-01'::${type} + ${days(random)} * interval '24 hours' + ${microseconds(random)}`;
const two = (value: number): string => String(value).padStart(2, '0');
const clock = (random: Random): string => {
  const fraction = random.chance(0.5) ? `.${digitsOf(random, 6)}` : '';
  return `${two(random.between(0, 23))}:${two(random.between(0, 59))}:${two(random.between(0, 59))}${fraction}`;
};
const offset = (random: Random): string => {
  const seconds = random.chance(0.1) ? `:${two(random.between(0, 59))}` : '';
  return `${random.pick(['+', '-'])}${two(random.between(0, 15))}:${two(random.between(0, 59))}${seconds}`;
};
const interval = (random: Random): string => {
  const part = (unit: string, most: number): string => (random.chance(0.5) ? `${random.between(-most, most)} ${unit} ` : '');
  const parts = [part('years', 10_000), part('months', 30), part('days', 400), part('hours', 100), part('microseconds', 10 ** 9)];
  return `interval '0 seconds ${parts.join('')}'`;
};
const address = (random: Random): string =>
  random.chance(0.5)
    ? `${count(1, 4)
        .map(() => random.between(0, 255))
        .join('.')}/${random.between(0, 32)}`
    : `${count(1, 8)
        .map(() => (random.chance(0.4) ? '0' : random.between(0, 0xffff).toString(16)))
        .join(':')}/${random.between(0, 128)}`;

const asText = (printed: string): string => JSON.stringify(printed);
const asNumber = (printed: string): string | null => (/^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(printed) ? printed : null);
const asDate = (printed: string): string | null => (/^\d{4}-\d\d-\d\d( BC)?$/.test(printed) ? asText(printed) : null);
const asTimestamp = (printed: string): string | null =>
  /^\d{4}-\d\d-\d\d [\d:.]+( BC)?$/.test(printed) ? asText(printed.replace(' ', 'T')) : null;
const asInstant = (printed: string): string | null => {
  const parts = /^(\d{4}-\d\d-\d\d) ([\d:.]+)\+00( BC)?$/.exec(printed);
  return parts === null ? null : asText(`${parts[1]}T${parts[2]}Z${parts[3] ?? ''}`);
};
const asTimeTz = (printed: string): string | null => {
  const parts = /^([\d:.]+)([+-]\d\d)(:\d\d)?$/.exec(printed);
  return parts === null ? null : asText(`${parts[1]}${parts[2]}${parts[3] ?? ':00'}`);
};
/** Arrays: the server's own JSON for them is what a record must say. */
const toJson = (column: string): string => `array_to_json(${column})::text`;
const itself = (printed: string): string => printed;
const array = (element: (random: Random) => string, type: string) => (random: Random) =>
  `ARRAY[${join(random, 0, 6, () => (random.chance(0.2) ? 'NULL' : element(random)), ', ')}]::${type}[]`;
const quoted = (of: (random: Random) => string) => (random: Random) => quote(of(random));

const int8 = (random: Random): string =>
  BigInt.asIntN(64, BigInt(Math.floor(random.next() * 2 ** 32)) * BigInt(random.magnitude(1, 2 ** 32))).toString();
const numeric = (random: Random): string =>
  signed(random, `${digitsOf(random, 40)}${random.chance(0.7) ? `.${digitsOf(random, 40)}` : ''}`);

export const randomColumns: readonly RandomColumn[] = [
  { native: 'boolean', value: random => String(random.chance(0.5)), said: printed => String(printed === 't') },
  { native: 'smallint', value: random => quote(String(random.between(-32_768, 32_767))), said: itself },
  { native: 'bigint', value: quoted(int8), said: itself },
  { native: 'numeric', value: random => (random.chance(0.05) ? "'NaN'" : quote(numeric(random))), said: asNumber },
  { native: 'numeric(18,0)', value: random => quote(signed(random, digitsOf(random, 18))), said: asNumber },
  { native: 'real', value: random => quote(floatBits(random, 4)), said: asNumber },
  { native: 'double precision', value: random => quote(floatBits(random, 8)), said: asNumber },
  { native: 'money', value: random => quote((random.between(-(10 ** 9), 10 ** 9) / 100).toFixed(2)), said: asText },
  { native: 'text', value: quoted(text), said: asText },
  { native: 'char(70)', value: quoted(text), said: asText },
  {
    native: 'bytea',
    value: random => `'\\x${join(random, 0, 40, byte)}'`,
    said: hex => asText(Buffer.from(hex.slice(2), 'hex').toString('base64')),
  },
  { native: 'bit varying', value: random => `B'${join(random, 0, 40, () => random.pick(['0', '1']))}'`, said: asText },
  { native: 'json', value: quoted(json), said: printed => asText(compact(printed)) },
  { native: 'jsonb', value: quoted(json), said: printed => asText(compact(printed)) },
  { native: 'date', value: date, said: asDate },
  { native: 'timestamp', value: random => instant(random, 'timestamp'), said: asTimestamp },
  { native: 'timestamptz', value: random => instant(random, 'timestamptz'), said: asInstant },
  { native: 'time', value: quoted(clock), said: asText },
  { native: 'timetz', value: random => quote(clock(random) + offset(random)), said: asTimeTz },
  { native: 'interval', value: interval, said: asText },
  { native: 'uuid', value: random => `'${join(random, 16, 16, byte)}'`, said: asText },
  { native: 'inet', value: quoted(address), said: asText },
  { native: 'macaddr', value: random => `'${join(random, 6, 6, byte, ':')}'`, said: asText },
  { native: 'point', value: random => `point('${simpleFloat(random)}', '${simpleFloat(random)}')`, said: asText },
  {
    native: 'int8range',
    value: random => `int8range(${random.between(-99, 0)}, ${random.between(0, 99)}, ${random.pick(["'[]'", "'()'"])})`,
    said: asText,
  },
  { native: 'tsvector', value: random => `to_tsvector('simple', ${quote(text(random))})`, said: asText },
  { native: 'bigint[]', value: array(quoted(int8), 'bigint'), said: itself, text: toJson },
  { native: 'text[]', value: array(quoted(text), 'text'), said: itself, text: toJson },
  {
    native: 'numeric(50,10)[]',
    value: array(random => quote(signed(random, digitsOf(random, 30))), 'numeric'),
    said: itself,
    text: toJson,
  },
  { native: 'boolean[]', value: array(random => String(random.chance(0.5)), 'boolean'), said: itself, text: toJson },
];

import type { TypeFamily } from '../../kit/type-family.ts';
import { arrays } from './types/arrays.ts';
import { binary } from './types/binary.ts';
import { extensions } from './types/extensions.ts';
import { json, nativeJson } from './types/json.ts';
import { networkAndGeometry } from './types/network-geometry.ts';
import { numbers } from './types/numbers.ts';
import { system } from './types/system.ts';
import { text } from './types/text.ts';
import { time } from './types/time.ts';
import { compositesAndRanges, enumsAndDomains } from './types/user-defined.ts';

/** Every type of PostgreSQL under the default settings; docs/types/postgres.md is made from it. */
export const postgresTypes: readonly TypeFamily[] = [
  numbers,
  text,
  time,
  json,
  binary,
  arrays,
  enumsAndDomains,
  compositesAndRanges,
  networkAndGeometry,
  system,
  ...extensions,
];

/** Those that differ with `json_columns: native`. */
export const nativeJsonTypes: readonly TypeFamily[] = [nativeJson];

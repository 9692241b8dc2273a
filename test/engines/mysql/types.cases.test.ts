import { expect, it } from 'vitest';
import { mysqlTypes } from './types.cases.ts';

/** Types as rows of the pages count them: not values, of which there are many more. */
it.each([
  ['mysql', 110],
  ['mariadb', 60],
] as const)('%s: at least %i types are read by snapshot and log', (flavor, least) => {
  const types = mysqlTypes[flavor].flatMap(family => family.cases.map(({ native }) => `${family.name}: ${native}`));
  expect(new Set(types).size).toBeGreaterThanOrEqual(least);
  for (const { name, cases } of mysqlTypes[flavor]) expect(cases.length, name).toBeGreaterThan(0);
});

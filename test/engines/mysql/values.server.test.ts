import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NULLED, SAID } from '../../../src/values/value-writer.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { seedOfRun } from '../../kit/random.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { ValueLab } from './value-lab.ts';
import { VALUE_TYPES } from './value-types.ts';

const seed = seedOfRun();

describeMysql(flavor => {
  let lab: ValueLab;
  beforeAll(async () => {
    lab = await ValueLab.open(await acquireMysql(flavor));
  });
  afterAll(() => lab.close());

  describe(`a value is the same bytes from a SELECT and from the log (seed ${seed})`, () => {
    it.each(VALUE_TYPES.filter(each => each.flavor === undefined || each.flavor === flavor))('$type', async each => {
      const random = fc.sample(each.values, { seed, numRuns: 120 });
      const values = await lab.values(each.type, [...(each.always ?? []), ...random], each.json);
      expect(values.length).toBeGreaterThan(each.always?.length ?? 100);
      for (const value of values) {
        expect({ json: value.text, verdict: value.textVerdict }).toEqual({ json: value.log, verdict: value.logVerdict });
        const parsed: unknown = JSON.parse(value.text);
        if (value.textVerdict === NULLED) expect(parsed).toBeNull();
        if (value.textVerdict === SAID && each.expected !== undefined)
          expect(parsed, value.server ?? 'NULL').toEqual(each.expected(value.server ?? ''));
      }
      expect(values.filter(value => value.textVerdict !== SAID).length).toBeLessThanOrEqual(
        each.mayBeUnsaid === true ? values.length - 1 : 0,
      );
    });
  });
});

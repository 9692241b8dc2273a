import { expect, it } from 'vitest';
import { postgres } from '../../../src/engines/postgres/index.ts';
import { fullState } from '../../kit/catalog.ts';
import { checkOf } from '../../kit/check.ts';
import { describePostgres } from '../../kit/engines.ts';
import { engineConfig } from './engine-fixture.ts';
import { brief, inLab, itOn, type Lab, largeText } from './lab.ts';

/** A table without a key, whose generated columns the log lacks before version 18; `big` lies outside of its rows. */
const create = `CREATE SCHEMA helpers;
  CREATE FUNCTION helpers.shout(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT upper(t) || '!' $$;
  CREATE DOMAIN short AS varchar(20) CHECK (VALUE <> 'never');
  CREATE TABLE loose (a numeric(8,3), b text, c char(4), d double precision, s short, flag boolean, list int[], big text, n int,
    twice numeric GENERATED ALWAYS AS (a * 2) STORED,
    loud text GENERATED ALWAYS AS (helpers.shout(b) || '[' || c || ']') STORED,
    inverse double precision GENERATED ALWAYS AS (d / 3) STORED,
    doc jsonb GENERATED ALWAYS AS (('{"s":  "' || s || '"}')::jsonb) STORED, other boolean GENERATED ALWAYS AS (NOT flag) STORED,
    first int GENERATED ALWAYS AS (list[1]) STORED,
    size int GENERATED ALWAYS AS (length(big)) STORED,
    one int GENERATED ALWAYS AS (1) STORED,
    numbered int GENERATED ALWAYS AS (n + 1) STORED);
  ALTER TABLE loose ALTER big SET STORAGE EXTERNAL; ALTER TABLE loose REPLICA IDENTITY FULL;`;
const generated = ['twice', 'loud', 'inverse', 'doc', 'other', 'first', 'size', 'one', 'numbered'];

/** The generated columns of the row whose `b` that is, as a snapshot of the table says them. */
const truth = async (lab: Lab, b: string): Promise<string | undefined> => {
  const platform = await lab.connect({ streams: ['loose'], modes: { '*': 'full_refresh' } });
  return brief(await platform.run(), 'loose', 'b', ...generated).find(text => text.startsWith(JSON.stringify(b)));
};

describePostgres(major => {
  it(
    'generated columns of a table without a key have their values in changes too',
    inLab(major, async lab => {
      await lab.sql(create);
      const insert = (b: string): string =>
        `INSERT INTO loose (a, b, c, d, s, flag, list, big, n) VALUES (1.250, '${b}', 'x', 1e-300, 'it''s', true, '{7,NULL}', '${largeText(1)}', 4)`;
      await lab.sql(`${insert('first')}; ${insert('third')}`);
      const platform = await lab.connect();
      platform.stored = fullState((await platform.run()).states);
      await lab.sql(`${insert('second')}; UPDATE loose SET b = 'changed', a = NULL, d = '-0' WHERE b = 'first'`);
      // Nobody can read it again any more.
      await lab.sql("INSERT INTO loose (b) VALUES ('gone'); DELETE FROM loose WHERE b = 'gone'");
      const run = await platform.run();
      const [second, changed, gone] = brief(run, 'loose', 'b', ...generated);
      expect(second).toBe(await truth(lab, 'second'));
      expect(changed).toBe(await truth(lab, 'changed'));
      expect(changed).toMatch(/^"changed" null "CHANGED!\[x\]" -0 /);
      expect(gone).toBe('"gone" null null null null null null null 1 null');
      expect(run.records.flatMap(record => record.meta?.changes ?? [])).toEqual([]);
    }),
  );

  itOn(14, major, 'what cannot be computed is null and says so, in that column and row alone', () =>
    inLab(major, async lab => {
      await lab.sql(`CREATE FUNCTION shout(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN t || '!'; END $$;
        CREATE TABLE loose (b text, loud text GENERATED ALWAYS AS (public.shout(b)) STORED,
          here oid GENERATED ALWAYS AS (tableoid) STORED);
        ALTER TABLE loose REPLICA IDENTITY FULL`);
      const platform = await lab.connect();
      platform.stored = fullState((await platform.run()).states);
      await lab.sql(`INSERT INTO loose SELECT 'row ' || i FROM generate_series(1, 5) i;
        CREATE OR REPLACE FUNCTION shout(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
          $$ BEGIN IF t = 'row 3' THEN RAISE 'not today'; END IF; RETURN t || '!'; END $$;`);
      const run = await platform.run();
      expect(brief(run, 'loose', 'loud', 'here')).toEqual([
        '"row 1!" null',
        '"row 2!" null',
        'null null',
        '"row 4!" null',
        '"row 5!" null',
      ]);
      const changes = run.records.map(record => (record.meta?.changes ?? []).map(change => `${change.field} ${change.reason}`));
      expect(changes.map(list => list.length)).toEqual([1, 1, 2, 1, 1]);
      expect(new Set(changes.flat())).toEqual(new Set(['here SOURCE_RETRIEVAL_ERROR', 'loud SOURCE_RETRIEVAL_ERROR']));
    })(),
  );

  it(
    'generated columns of a partitioned table without a key too',
    inLab(major, async lab => {
      await lab.sql(`CREATE TABLE loose (b text, k int, g int GENERATED ALWAYS AS (k * 2) STORED) PARTITION BY LIST (k);
        CREATE TABLE low (k int, b text, g int GENERATED ALWAYS AS (k * 2) STORED); ALTER TABLE loose ATTACH PARTITION low FOR VALUES IN (1, 2);
        ALTER TABLE loose REPLICA IDENTITY FULL; ALTER TABLE low REPLICA IDENTITY FULL`);
      const platform = await lab.connect({ streams: ['loose'] });
      platform.stored = fullState((await platform.run()).states);
      await lab.sql("INSERT INTO loose VALUES ('one', 1), ('two', 2); UPDATE loose SET k = 2 WHERE b = 'one'");
      expect(brief(await platform.run(), 'loose', 'b', 'g')).toEqual(['"one" 2', '"two" 4', '"one" 4']);
    }),
  );

  it(
    'check names them where the log lacks them',
    inLab(major, async lab => {
      await lab.sql(`${create} CREATE TABLE keyed (id int PRIMARY KEY, g int GENERATED ALWAYS AS (1) STORED)`);
      const config = engineConfig(lab.server, lab.database.name);
      const { problems, lines } = await checkOf(context => postgres.connect(config, context));
      expect(problems).toEqual([]);
      const said = lines.filter(line => line.includes('generated'));
      if (major >= 18) expect(said).toEqual([]);
      else
        expect(said).toEqual([
          expect.stringContaining('public.loose (twice, loud, inverse, doc, other, first, size, one, numbered)'),
        ]);
    }),
  );
});

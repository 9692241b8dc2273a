import { describe, expect, it } from 'vitest';
import { describeMajor, inLab, largeText, literal, table } from './lab.ts';

const doc = table('doc', { id: 'integer', body: 'text', meta: 'json', n: 'integer' });
const thing = table('thing', { id: 'integer', text: 'text' });
const createThing = 'CREATE TABLE thing (id bigint PRIMARY KEY, text text);';
const json = (seed: number): string => JSON.stringify({ large: largeText(seed) });

describeMajor(18, major => {
  describe('#10 an unchanged TOAST value', () => {
    const identities: Readonly<Record<string, string>> = {
      DEFAULT: '',
      FULL: 'ALTER TABLE doc REPLICA IDENTITY FULL;',
      'USING INDEX': 'CREATE UNIQUE INDEX doc_n ON doc (n); ALTER TABLE doc REPLICA IDENTITY USING INDEX doc_n;',
    };
    it.each(Object.entries(identities))('is the true one under REPLICA IDENTITY %s', (_, identity) =>
      inLab(major, async lab => {
        await lab.sql(`CREATE TABLE doc (id bigint PRIMARY KEY, body text, meta jsonb, n bigint NOT NULL); ${identity}`);
        await lab.sql('ALTER TABLE doc ALTER body SET STORAGE EXTERNAL, ALTER meta SET STORAGE EXTERNAL');
        const platform = await lab.connect();
        for (let id = 1; id <= 12; id++) {
          await lab.sql(`INSERT INTO doc VALUES (${id}, ${literal(largeText(id))}, ${literal(json(id))}, ${id})`);
        }
        await platform.sync();
        await platform.expectEqual([doc]);
        await lab.sql('UPDATE doc SET n = n + 100 WHERE id <= 9');
        await lab.sql(`UPDATE doc SET body = 'short' WHERE id = 2; UPDATE doc SET body = NULL WHERE id = 3`);
        await lab.sql(`UPDATE doc SET meta = ${literal(json(77))} WHERE id = 4`);
        await lab.sql('UPDATE doc SET id = id + 50 WHERE id = 5');
        await lab.sql('UPDATE doc SET n = -6 WHERE id = 6; DELETE FROM doc WHERE id = 6');
        await lab.sql(`BEGIN; UPDATE doc SET n = -7 WHERE id = 7; UPDATE doc SET body = ${literal(largeText(70))} WHERE id = 7;
          UPDATE doc SET n = -77 WHERE id = 7; COMMIT`);
        const run = await platform.sync();
        await platform.expectEqual([doc]);
        // What cannot be known any more is null and said, never made up: only the row that is gone by now.
        const nulled = run.records.filter(record => (record.meta?.changes ?? []).length > 0);
        // Under the index each update has a key of its own, so rows in between are gone as well.
        const ids = new Set(nulled.map(record => record.data['id']));
        if (!identity.includes('INDEX')) expect([...ids].every(id => id === 6 || id === 5)).toBe(true);
        for (const record of nulled) {
          expect(
            record.meta?.changes?.every(change => change.change === 'NULLED' && change.reason === 'SOURCE_RETRIEVAL_ERROR'),
          ).toBe(true);
        }
        expect(run.lines.some(line => /unavailable|java\.lang/.test(line))).toBe(false);
      })(),
    );
  });
});

describeMajor(14, major => {
  describe('#10 an unchanged TOAST value', () => {
    it(
      'as part of the key',
      inLab(major, async lab => {
        // Just large enough to lie outside of the row, just small enough for an index.
        const key = (seed: number): string => literal(largeText(seed, 2400));
        await lab.sql('CREATE TABLE pair (k text PRIMARY KEY, n bigint); ALTER TABLE pair ALTER k SET STORAGE EXTERNAL');
        const pair = table('pair', { k: 'text', n: 'integer' }, ['k']);
        const platform = await lab.connect();
        await lab.sql(`INSERT INTO pair VALUES (${key(1)}, 1), (${key(2)}, 2), (${key(3)}, 3)`);
        await platform.sync();
        await lab.sql(
          `UPDATE pair SET n = 10 WHERE n = 1; UPDATE pair SET k = ${key(4)} WHERE n = 2; DELETE FROM pair WHERE n = 3`,
        );
        await platform.sync();
        await platform.expectEqual([pair]);
      }),
    );

    it(
      'in thousands of rows of one transaction, with others between them',
      inLab(major, async lab => {
        await lab.sql(
          'CREATE TABLE doc (id bigint PRIMARY KEY, body text, meta jsonb, n bigint); ALTER TABLE doc ALTER body SET STORAGE EXTERNAL',
        );
        await lab.sql(
          `${createThing} INSERT INTO doc SELECT i, repeat(md5(i::text), 80), NULL, i FROM generate_series(1, 3000) i`,
        );
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(`BEGIN; UPDATE doc SET n = -n; INSERT INTO thing SELECT i, 'x' FROM generate_series(1, 100) i;
          UPDATE doc SET n = n - 1 WHERE id % 2 = 0; UPDATE doc SET body = 'new' WHERE id % 10 = 0; COMMIT`);
        await lab.sql("UPDATE thing SET text = 'y'");
        await platform.sync();
        await platform.expectEqual([doc, thing]);
      }),
    );
  });
});

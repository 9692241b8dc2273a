import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createThing, describeMajor, inLab, largeText, literal, peakMegabytes, table, thing } from './lab.ts';

const doc = table('doc', { id: 'integer', body: 'text', meta: 'json', n: 'integer' });
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

describeMajor(18, major => {
  it(
    '#10 #23 700 unchanged values of 512 kB, some small ones and a huge one: true, and in flat memory',
    inLab(major, async lab => {
      await lab.sql(`CREATE TABLE doc (id bigint PRIMARY KEY, body text, meta jsonb, n bigint);
        CREATE TABLE other (id bigint PRIMARY KEY, body text, n bigint);
        ALTER TABLE doc ALTER body SET STORAGE EXTERNAL; ALTER TABLE other ALTER body SET STORAGE EXTERNAL`);
      const value = `md5(i::text) || repeat('0123456789abcdef', CASE WHEN i % 97 = 0 THEN 200 WHEN i = 600 THEN 750000 ELSE 32000 END)`;
      for (const [name, count] of [
        ['doc', 700],
        ['other', 20],
      ] as const)
        await lab.sql(`INSERT INTO ${name} (id, body, n) SELECT i, ${value}, i FROM generate_series(1, ${count}) i`);
      const more = { ...(await lab.seeded('doc, other')), checkpoint_interval_seconds: 60 };
      // Two tables in turns: what is fetched ahead of both counts together.
      await lab.sql(`BEGIN; UPDATE doc SET n = -n; UPDATE other SET n = -n WHERE id <= 20; UPDATE doc SET n = n - 1 WHERE id <= 20;
        DELETE FROM doc WHERE id = 500; COMMIT`);
      const platform = await lab.connect({}, more);
      let peak = 0;
      const run = await platform.run({
        onLine: (_, running) => {
          if (running.lines.length % 50 === 0) peak = Math.max(peak, peakMegabytes(running));
        },
        timeoutMilliseconds: 110_000,
      });
      expect(peak).toBeGreaterThan(20);
      expect(peak).toBeLessThanOrEqual(180);
      expect(run.records).toHaveLength(741);
      const wrong = run.records.filter(({ data, meta }) => {
        const id = Number(data['id']);
        if (data['_ab_cdc_deleted_at'] !== null || id === 500) return false;
        const length = id % 97 === 0 ? 3232 : id === 600 ? 12_000_032 : 512_032;
        const text = String(data['body']);
        return (
          text.length !== length ||
          !text.startsWith(createHash('md5').update(String(id)).digest('hex')) ||
          (meta?.changes ?? []).length > 0
        );
      });
      expect(wrong.map(({ data }) => data['id'])).toEqual([]);
      expect(run.records.find(({ data }) => Number(data['id']) === 500)?.meta?.changes).toEqual([
        { field: 'body', change: 'NULLED', reason: 'SOURCE_RETRIEVAL_ERROR' },
      ]);
    }),
  );
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

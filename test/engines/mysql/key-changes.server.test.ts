import { describe, expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { brief, failureOf, inLab, type Lab, table } from './lab.ts';

const spec = table('thing', { id: 'integer', code: 'text', n: 'integer' });
const create = (key: string): string =>
  `CREATE TABLE thing (id bigint NOT NULL, code varchar(20) NOT NULL, n bigint NOT NULL, ${key});
   INSERT INTO thing VALUES (1, 'one', 10), (2, 'two', 20);`;
const onId = create('PRIMARY KEY (id)');
const onCode = create('UNIQUE (code)');

/** A second row under the key of the first, and then the first is gone: what a destination would take for a change and a delete. */
const twins = "INSERT INTO thing VALUES (1, 'twin', 11); DELETE FROM thing WHERE id = 1 AND n = 10;";
const twinCodes = "INSERT INTO thing VALUES (11, 'one', 11); DELETE FROM thing WHERE id = 1;";

/** The key is another one when the read begins. */
const others: Readonly<Record<string, string>> = {
  'another column': 'ALTER TABLE thing DROP PRIMARY KEY, ADD PRIMARY KEY (code)',
  'one column more': 'ALTER TABLE thing DROP PRIMARY KEY, ADD PRIMARY KEY (id, code)',
  none: 'ALTER TABLE thing DROP PRIMARY KEY',
  'the same name, for another column': 'ALTER TABLE thing CHANGE id n bigint NOT NULL, CHANGE n id bigint NOT NULL',
};

/** The key is gone for a while, and there again when the read begins. */
const gaps: Readonly<Record<string, readonly [create: string, turn: string]>> = {
  'a primary key is dropped': [onId, `ALTER TABLE thing DROP PRIMARY KEY; ${twins} ALTER TABLE thing ADD PRIMARY KEY (id)`],
  'it is dropped as an index': [onId, `DROP INDEX \`PRIMARY\` ON thing; ${twins} ALTER TABLE thing ADD PRIMARY KEY (id)`],
  'it becomes wider': [
    onId,
    `ALTER TABLE thing DROP PRIMARY KEY, ADD PRIMARY KEY (id, code); ${twins} ALTER TABLE thing DROP PRIMARY KEY, ADD PRIMARY KEY (id)`,
  ],
  'a unique key without a name is dropped': [
    onCode,
    `ALTER TABLE thing DROP INDEX code; ${twinCodes} CREATE UNIQUE INDEX other ON thing (code)`,
  ],
  'a unique key that was renamed is dropped': [
    onCode,
    `ALTER TABLE thing RENAME INDEX code TO u; DROP INDEX u ON thing; ${twinCodes} ALTER TABLE thing ADD UNIQUE (code)`,
  ],
};

/** What leaves the key as it is. */
const harmless = [
  'ALTER TABLE thing DROP PRIMARY KEY, ADD PRIMARY KEY (id)',
  'ALTER TABLE thing MODIFY id bigint unsigned NOT NULL',
  'ALTER TABLE thing ADD UNIQUE INDEX u (code), ADD INDEX i (n)',
  'ALTER TABLE thing RENAME INDEX u TO v; DROP INDEX v ON thing; ALTER TABLE thing DROP KEY i',
  'ALTER TABLE thing ADD x int, ADD UNIQUE u (n, x); ALTER TABLE thing DROP COLUMN x, DROP INDEX u',
];

describeMysql(flavor => {
  describe.each(rowMetadataOf(flavor))('binlog_row_metadata %s', metadata => {
    const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor, metadata), body);

    it.each(Object.entries(others))('a table whose key is %s now is not read under that of the catalog', (_, turn) =>
      lab(async lab => {
        await lab.sql(onId);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql(`${turn}; UPDATE thing SET code = 'due' WHERE n = 20`);
        const run = await platform.run({ mayFail: true });
        expect(failureOf(run)).toMatch(/^config_error \/ SCHEMA_CHANGED: .*key of .*\.thing is/);
        expect(run.records).toEqual([]);
      })(),
    );

    it.each(Object.entries(gaps))('%s, and made again: rows of between are not read under it', (_, [begin, turn]) =>
      lab(async lab => {
        await lab.sql(begin);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql(turn);
        const run = await platform.run({ mayFail: true });
        expect(failureOf(run)).toMatch(/^config_error \/ SCHEMA_CHANGED: .*key of .*\.thing is .* in the log/);
        expect(run.records).toEqual([]);
        platform.clear('thing');
        await platform.sync();
        await platform.expectEqual([spec]);
      })(),
    );

    it(
      'a key may hold NULL for a while: rows of between are not read under it',
      lab(async lab => {
        await lab.sql(onCode);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql(`ALTER TABLE thing MODIFY code varchar(20) NULL; INSERT INTO thing VALUES (3, NULL, 30), (4, NULL, 40);
          UPDATE thing SET code = id WHERE code IS NULL; ALTER TABLE thing MODIFY code varchar(20) NOT NULL`);
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/SCHEMA_CHANGED: .*key of .*\.thing is none/);
      }),
    );

    it(
      'where the key is another one, a refreshed schema is not enough: the stream is read anew once it is cleared',
      lab(async lab => {
        await lab.sql(onId);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql(`${others['another column'] ?? ''}; UPDATE thing SET n = 21 WHERE id = 2`);
        await platform.reconfigure({ streams: ['thing'] });
        const run = await platform.run({ mayFail: true });
        expect(failureOf(run)).toMatch(/SCHEMA_CHANGED: .*key of .*\.thing is id .* but code in the catalog.*clear the stream/);
        platform.clear('thing');
        await platform.sync();
        await lab.sql("UPDATE thing SET code = 'zwei' WHERE id = 2");
        await platform.sync();
        await platform.expectEqual([spec]);
      }),
    );

    it(
      'a key that is dropped while the table is read stops the read in front of the rows that it does not tell apart',
      lab(async lab => {
        await lab.sql(`CREATE TABLE gate (id int PRIMARY KEY); ${onId}`);
        const platform = await lab.connect({ streams: ['thing', 'gate'] });
        const reading = (): ReturnType<typeof platform.run> => platform.run({ mayFail: true });
        const run = await lab.atGate(reading, () =>
          lab.sql(`UPDATE thing SET n = 21 WHERE id = 2; ALTER TABLE thing DROP PRIMARY KEY; ${twins}`),
        );
        expect(failureOf(run)).toMatch(/SCHEMA_CHANGED: .*key of .*\.thing is none at this place in the log, but id/);
        expect(brief(run, 'thing', 'id', 'n')).toEqual(['1 10', '2 20', '2 21']);
      }),
    );

    it(
      'what leaves the key as it is lets the read go on',
      lab(async lab => {
        await lab.sql(onId);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        for (const sql of harmless) {
          await lab.sql(`${sql}; UPDATE thing SET n = n + 1 WHERE id = 1`);
          await platform.sync();
        }
        await platform.expectEqual([spec]);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { brief, inLab } from './lab.ts';

/** CONVERT leaves the bytes of labels as they are: `ü` of latin1 is no character of utf8mb4. */
const create = `SET NAMES utf8mb4; CREATE TABLE t (id int PRIMARY KEY, e enum('a','grün'), s set('a','grün')) CHARACTER SET latin1;
  ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4; INSERT INTO t VALUES (1, 2, 3)`;

describeMysql(flavor => {
  describe.each(rowMetadataOf(flavor))('labels whose bytes are no text, binlog_row_metadata %s', metadata => {
    it(
      metadata === 'FULL' ? 'are the same by snapshot and log, and noted by both' : 'keep a table from being followed',
      inLab(
        () => acquireMysql(flavor, metadata),
        async lab => {
          await lab.sql(create);
          const platform = await lab.connect();
          const first = await platform.run();
          expect(brief(first, 't', 'id', 'e', 's')).toEqual(['1 "gr\u{fffd}n" "a,gr\u{fffd}n"']);
          if (metadata !== 'FULL') {
            expect(platform.catalog.streams.map(({ stream }) => stream.supported_sync_modes)).toEqual([['full_refresh']]);
            return;
          }
          platform.store(first);
          await lab.sql('INSERT INTO t VALUES (2, 2, 3)');
          const second = await platform.sync();
          expect(brief(second, 't', 'id', 'e', 's')).toEqual(['2 "gr\u{fffd}n" "a,gr\u{fffd}n"']);
          const [snapshot, log] = [first, second].map(run => run.records.map(record => record.meta?.changes));
          expect(snapshot?.[0]?.map(change => change.field)).toEqual(['e', 's']);
          expect(log).toEqual(snapshot);
        },
      ),
    );
  });

  it(
    'labels of every other kind keep no table from being followed',
    inLab(
      () => acquireMysql(flavor, 'MINIMAL'),
      async lab => {
        await lab.sql(`SET NAMES utf8mb4; CREATE TABLE t (id int PRIMARY KEY, a enum(''), b enum('it''s','c,d','e  ',' f'), c set('ü','明','x y'),
          d enum('grün','b') CHARACTER SET utf8mb3, e set('A','b','') CHARACTER SET utf8mb3 COLLATE utf8mb3_bin, f enum('\\\\n','ß')) CHARACTER SET utf8mb4`);
        const platform = await lab.connect();
        expect(platform.catalog.streams.map(({ stream }) => stream.supported_sync_modes)).toEqual([
          ['full_refresh', 'incremental'],
        ]);
      },
    ),
  );
});

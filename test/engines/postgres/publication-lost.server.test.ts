import { describe, expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import { describeRun } from '../../kit/run-connector.ts';
import { begun, createOne, describeMajor, failureOf, inLab, lost, thing } from './lab.ts';

describePostgres(major => {
  describe('the publication', () => {
    it(
      '#6 the publication was dropped while there is a state',
      inLab(major, async lab => {
        const platform = await begun(lab);
        await lab.sql(`DROP PUBLICATION "${lab.database.name}"; UPDATE thing SET text = 'unseen' WHERE id = 2`);
        const run = await platform.run({ mayFail: true });
        expect(failureOf(run)).toMatch(lost);
        platform.store(run);
        // Our publication is there again by now; that must not make the gap unseen.
        const again = await platform.run({ mayFail: true });
        platform.store(again);
        if (again.exitCode !== 0)
          await platform.sync({ config: lab.database.config({ more: { invalid_position: 'resnapshot' } }) });
        await platform.expectEqual([thing]);
      }),
    );

    it(
      '#6 a FOR ALL TABLES publication was dropped and made again by hand',
      inLab(major, async lab => {
        const { name } = lab.database;
        await lab.sql(`${createOne} CREATE PUBLICATION "${name}" FOR ALL TABLES`);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(`DROP PUBLICATION "${name}"`);
        await lab.sql("UPDATE thing SET text = 'unseen' WHERE id = 1; INSERT INTO thing VALUES (3, 'unseen')");
        await lab.sql(`CREATE PUBLICATION "${name}" FOR ALL TABLES`);
        const run = await platform.run({ mayFail: true });
        platform.store(run);
        if (run.exitCode !== 0) {
          expect(failureOf(run), describeRun(run)).toMatch(lost);
          await platform.sync({ config: lab.database.config({ more: { invalid_position: 'resnapshot' } }) });
        }
        await platform.expectEqual([thing]);
      }),
    );
  });
});

describeMajor(18, major => {
  describe('the publication', () => {
    it(
      'a table was taken out of the publication and added again',
      inLab(major, async lab => {
        const platform = await begun(lab);
        const { name } = lab.database;
        await platform.sync();
        await lab.sql(`ALTER PUBLICATION "${name}" DROP TABLE thing`);
        await lab.sql("UPDATE thing SET text = 'unseen' WHERE id = 1");
        await lab.sql(`ALTER PUBLICATION "${name}" ADD TABLE thing`);
        await platform.sync();
        await platform.expectEqual([thing]);
        // And out of it without being added: we add it ourselves.
        await lab.sql(`ALTER PUBLICATION "${name}" DROP TABLE thing`);
        await lab.sql("UPDATE thing SET text = 'unseen again' WHERE id = 1");
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );
  });
});

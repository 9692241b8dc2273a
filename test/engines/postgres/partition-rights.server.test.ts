import { expect, it } from 'vitest';
import { runConnector } from '../../kit/run-connector.ts';
import { describeMajor, identifier, inLab, table } from './lab.ts';

const part = table('part', { id: 'integer', region: 'text' }, ['id', 'region']);

describeMajor(14, major => {
  it(
    '#18 SELECT on the root alone is enough, but check and read say what it costs, with the GRANT',
    inLab(major, async lab => {
      const { name } = lab.database;
      const role = identifier(`${name} reader`);
      await lab.sql(`CREATE TABLE part (id bigint, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
        CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a'); CREATE TABLE "part b" PARTITION OF part FOR VALUES IN ('b');
        INSERT INTO part SELECT i, chr(97 + i % 2) FROM generate_series(1, 100) i;
        CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'secret'; GRANT SELECT ON part, part_a TO ${role};
        CREATE PUBLICATION ${name} FOR TABLE part WITH (publish_via_partition_root = true)`);
      lab.later(() => lab.server.query('postgres', `DROP ROLE ${role}`));
      const platform = await lab.connect({ streams: ['part'] }, {}, { username: `${name} reader`, password: 'secret' });
      const grant = 'GRANT SELECT ON "public"."part b" TO';
      const said = (logs: readonly string[]): number => logs.filter(message => message.includes(grant)).length;
      expect(said((await runConnector({ command: 'check', config: platform.config })).logs)).toBe(1);
      const run = await platform.sync();
      expect(said(run.logs)).toBe(1);
      await platform.expectEqual([part]);
      await lab.sql(`${grant} ${role}`);
      expect(said((await runConnector({ command: 'check', config: platform.config })).logs)).toBe(0);
      // A partition that came later, which the role may not read either: whether it had rows cannot be told.
      await lab.sql('CREATE TABLE late (LIKE part INCLUDING ALL)');
      await lab.sql("ALTER TABLE part ATTACH PARTITION late FOR VALUES IN ('c')");
      await lab.sql("INSERT INTO part VALUES (1, 'c')");
      const next = await platform.sync();
      expect(
        next.logs.filter(message => message.includes('public.late was attached') && message.includes('SELECT')),
      ).toHaveLength(1);
      await platform.expectEqual([part]);
      await lab.sql(`DROP OWNED BY ${role}`);
    }),
  );
});

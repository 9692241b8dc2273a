import { expect, it } from 'vitest';
import { Authority, certificatesUnavailable } from '../../kit/certificates.ts';
import { failureOf } from '../../kit/lab.ts';
import type { JsonObject } from '../../kit/messages.ts';
import { describeFlavor, flavorsHere, mysqlLabel } from '../../kit/mysql-engines.ts';
import { Platform } from '../../kit/platform.ts';
import { runConnector } from '../../kit/run-connector.ts';
import { startMysql } from '../../kit/servers/mysql.ts';
import { MysqlDatabase } from './backend.ts';
import { CURSOR, createThing, series, thing } from './lab.ts';

for (const flavor of flavorsHere) {
  describeFlavor(
    flavor,
    `Syncs of ${mysqlLabel(flavor)} over TLS`,
    () => {
      it('bring snapshot and log like any other, and stop before a server that the authority does not vouch for', async () => {
        await using authority = await Authority.create('Authority');
        await using stranger = await Authority.create('Stranger');
        const certificate = await authority.issue({ commonName: 'server', names: 'IP:127.0.0.1' });
        const server = await startMysql({ flavor, tls: certificate });
        try {
          const database = await MysqlDatabase.create(server);
          await server.query(undefined, `ALTER USER '${database.reader.username}' REQUIRE SSL`);
          await database.query(`${createThing} INSERT INTO thing SELECT i, REPEAT('text of some length ', 20), i FROM ${series(20_000)};
            UPDATE thing SET text = REPEAT('x', 3000000) WHERE id = 7`);
          const trusting = (ca: string): JsonObject =>
            database.config({ more: { ssl_mode: { mode: 'verify_identity', ca_certificate: ca } } });
          const platform = await Platform.connect(database, CURSOR, { config: trusting(authority.certificate) });
          const check = await runConnector({ command: 'check', config: platform.config });
          expect(check.messages.at(-1)?.connectionStatus).toMatchObject({ status: 'SUCCEEDED' });
          await platform.sync();
          await database.query(`UPDATE thing SET n = n + 1 WHERE id % 2 = 0; DELETE FROM thing WHERE id % 10 = 1;
            UPDATE thing SET text = REPEAT('y', 2000000) WHERE id = 9`);
          await platform.sync();
          await platform.expectEqual([thing]);

          const wrong = trusting(stranger.certificate);
          const refused = await runConnector({ command: 'check', config: wrong });
          expect(refused.messages.at(-1)?.connectionStatus).toMatchObject({
            status: 'FAILED',
            message: expect.stringContaining('[TLS_REFUSED]'),
          });
          const failed = await runConnector({
            command: 'read',
            config: wrong,
            catalog: platform.catalog,
            state: platform.stored,
          });
          expect([failureOf(failed), failed.records]).toEqual([expect.stringContaining('TLS_REFUSED'), []]);
          const plain = await runConnector({ command: 'check', config: database.config() });
          expect(plain.messages.at(-1)?.connectionStatus?.message).toContain('[AUTH_REJECTED]');
        } finally {
          await server.stop();
        }
      });
    },
    certificatesUnavailable(),
  );
}

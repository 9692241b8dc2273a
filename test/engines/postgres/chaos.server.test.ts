import { chaosTests } from '../../kit/chaos.ts';
import { postgresMajors, postgresUnavailable, startPostgres } from '../../kit/servers/postgres.ts';
import { freePort } from '../../kit/servers/process.ts';
import { PostgresDatabase } from './backend.ts';

for (const major of postgresMajors) {
  chaosTests<PostgresDatabase>({
    label: `PostgreSQL ${major}`,
    unavailable: postgresUnavailable(major),
    waitsForReaders: true,
    cursorColumn: '_ab_cdc_lsn',
    ways: ['killed', 'stopped at once', 'restarted'],
    patienceMilliseconds: 2000,
    create: async () => {
      const server = await startPostgres({ major, settings: { wal_sender_timeout: '2000ms' } });
      return {
        start: () => server.start(),
        stop: () => server.stop(),
        ways: {
          killed: () => server.kill9(),
          'stopped at once': () => server.halt('immediate'),
          restarted: () => server.halt('fast'),
        },
        open: async () => new PostgresDatabase(server, await server.createDatabase(), await freePort()),
        endConnections: async database => {
          await database.query('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1', [
            database.name,
          ]);
        },
        logIsRead: async database => {
          const sql = 'SELECT active FROM pg_replication_slots WHERE slot_name = $1';
          return (await database.query(sql, [database.name]))[0]?.['active'] === true;
        },
      };
    },
    touchAll: async database => {
      await database.query(`UPDATE account SET balance = balance + 1; UPDATE event SET payload = payload || '!';
      UPDATE document SET edited = edited + interval '1 day'; DELETE FROM account WHERE id % 7 = 0`);
    },
    writings: {
      'rows written anew': async database => {
        await database.query('INSERT INTO event SELECT id + 10000, payload, tags, at FROM event');
      },
      'rows changed in part': async database => {
        await database.query('UPDATE document SET edited = edited + interval $$1 day$$');
      },
    },
  });
}

import { describe, expect, it } from 'vitest';
import { gtidListPosition, gtidSetPosition, parsed } from '../../../../src/engines/mysql/position.ts';
import { lossOf } from '../../../../src/engines/mysql/replication/server-position.ts';
import type { ServerFacts } from '../../../../src/engines/mysql/server.ts';
import type { Query } from '../../../../src/engines/mysql/sql.ts';

const sid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const facts = (flavor: 'mysql' | 'mariadb'): ServerFacts =>
  ({ flavor, version: flavor === 'mysql' ? 9_07_00 : 10_11_00 }) as ServerFacts;

/** A server that answers by what a statement has in it. */
const answering = (answers: Readonly<Record<string, () => readonly object[]>>): Query => ({
  rows: <Row extends object>(sql: string) => {
    const [, answer] = Object.entries(answers).find(([words]) => sql.includes(words)) ?? [];
    if (answer === undefined) throw new Error(`nobody asked for ${sql}`);
    return Promise.resolve(answer() as readonly Row[]);
  },
});

describe('a state that is ahead of what the server has committed', () => {
  const from = parsed(gtidSetPosition(`${sid}:1-6`));
  const executed = (to: () => number, waiting: number): Query =>
    answering({
      gtid_executed: () => [{ mode: 'ON', executed: `${sid}:1-${to()}`, purged: '' }],
      wait_sessions: () => [{ Value: String(waiting) }],
    });

  it('is waited for', async () => {
    let asked = 0;
    const query = executed(() => {
      asked += 1;
      return asked < 3 ? 5 : 6;
    }, 1);
    expect(await lossOf(query, facts('mysql'), from)).toBeNull();
  });

  it('is not lost while a commit waits for a replica', async () => {
    const query = executed(() => 5, 1);
    await expect(lossOf(query, facts('mysql'), from)).rejects.toMatchObject({ code: 'TRANSACTIONS_IN_PROGRESS' });
  });

  it('is lost where none does', async () => {
    expect(
      await lossOf(
        executed(() => 5, 0),
        facts('mysql'),
        from,
      ),
    ).toMatch(/the server has not: .*:6\./);
  });

  it('is held against all that the log of MariaDB has, where such transactions stand', async () => {
    const query = answering({ gtid_binlog_state: () => [{ state: '0-2-4,0-1-6' }] });
    expect(await lossOf(query, facts('mariadb'), parsed(gtidListPosition('0-2-4')))).toBeNull();
    expect(await lossOf(query, facts('mariadb'), parsed(gtidListPosition('0-3-4')))).toMatch(/0-3-4/);
    expect(await lossOf(query, facts('mariadb'), parsed(gtidListPosition('0-1-6')))).toBeNull();
    expect(await lossOf(query, facts('mariadb'), parsed(gtidListPosition('0-1-7')))).toMatch(/0-1-6/);
  });
});

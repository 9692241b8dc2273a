import { expect, it } from 'vitest';
import { Activity } from '../../../../../src/engines/mysql/snapshot/activity.ts';

interface Session {
  readonly Id: number | string;
  readonly Command: string;
  readonly State: string | null;
}

/** Looks at the list of sessions as it is each time. */
const looks = (limits = { silenceMillis: 1000, lockMillis: 2500 }) => {
  const warnings: string[] = [];
  let sessions: readonly Session[] = [];
  const activity = new Activity({
    threadId: 7,
    query: { rows: () => Promise.resolve(sessions as never) },
    log: { info: () => {}, warn: (text: string) => warnings.push(text), debug: () => {} } as never,
    label: 'shop.orders',
    limits,
  });
  const look = (...now: readonly Session[]): Promise<boolean> => {
    sessions = now;
    return activity.look();
  };
  return { look, warnings };
};
const other: Session = { Id: 8, Command: 'Sleep', State: '' };

it('tells a server that works from one that waits until we take what it sends, or has answered', async () => {
  const { look } = looks();
  expect(await look(other, { Id: '7', Command: 'Query', State: 'executing' })).toBe(false);
  expect(await look(other, { Id: 7, Command: 'Query', State: null })).toBe(false);
  expect(await look({ Id: 7, Command: 'Query', State: 'Sending to client' })).toBe(true);
  expect(await look({ Id: 7, Command: 'Query', State: 'Writing to net' })).toBe(true);
  expect(await look({ Id: 7, Command: 'Sleep', State: '' })).toBe(true);
});

it('knows that a session is gone which it has seen, and gives one that it never sees ten minutes', async () => {
  const { look } = looks();
  await look({ Id: 7, Command: 'Query', State: '' });
  await expect(look(other)).rejects.toThrow('The server has ended the session that reads shop.orders.');
  const proxied = looks({ silenceMillis: 60_000, lockMillis: 1 });
  for (let minute = 1; minute < 10; minute++) expect(await proxied.look(other)).toBe(false);
  await expect(proxied.look(other)).rejects.toThrow('has ended the session');
});

it('waits for a lock as long as it may, says so once, and counts anew for another', async () => {
  const { look, warnings } = looks();
  const locked: Session = { Id: 7, Command: 'Query', State: 'Waiting for table metadata lock' };
  for (let time = 0; time < 2; time++) {
    expect(await look(locked)).toBe(false);
    expect(await look(locked)).toBe(false);
    expect(await look({ Id: 7, Command: 'Query', State: 'executing' })).toBe(false);
  }
  expect(warnings).toEqual([
    'Waiting for a lock on shop.orders ("Waiting for table metadata lock"); SHOW PROCESSLIST tells who may hold it.',
  ]);
  await look(locked);
  await look(locked);
  await expect(look(locked)).rejects.toThrow(
    'shop.orders was locked by another session for 3 seconds ("Waiting for table metadata lock").',
  );
});

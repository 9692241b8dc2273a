import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Position } from '../../../../src/contract/ids.ts';
import { gtidListPosition, gtidSetPosition } from '../../../../src/engines/mysql/position.ts';
import { formatDescription, rotate } from './binlog/binlog-encoder.ts';
import { END_OF_LOG, event, followedAt, intTable, readLog, sid } from './fake-log.ts';

const set = (to: number): Position => gtidSetPosition(`${sid}:1-${to}`);
const head = (version = '9.7.0'): Buffer[] => [rotate('binlog.000007', 4), formatDescription({ version })];
const columns = (rows: readonly object[]): unknown[] => rows.map(row => ['id', 'a', 'b'].map(name => Reflect.get(row, name)));

describe('a prepared XA transaction', () => {
  const swap = 'ALTER TABLE thing MODIFY a int AFTER b';
  const prepare = [
    event.gtid(5, 100),
    event.query("XA START X'78',X'',1", 200),
    event.tableMap(7, 'thing', 3),
    event.insert(7, [1, 10, 20]),
    event.query("XA END X'78',X'',1", 300),
    event.xaPrepare(400),
  ];
  const since = set(1);
  const before = followedAt(intTable('thing', ['id', 'a', 'b']), since);
  const altered = [event.gtid(6, 500), event.query(swap, 600)];
  const commit = [event.gtid(7, 700), event.query("XA COMMIT X'78',X'',1", 800)];
  const name = "X'78',X'',1";

  it('is read with the columns that it was written with, kept in memory', async () => {
    const packets = [...head(), ...prepare, ...altered, ...commit];
    const { data } = await readLog({ flavor: 'mysql', packets, tables: [before], from: set(4), present: set(7) });
    expect(columns(data)).toEqual([[1, 10, 20]]);
  });

  it('is read with the columns that it was written with, from the log once more', async () => {
    const followed = followedAt(intTable('thing', ['id', 'a', 'b']), since);
    const first = await readLog({
      flavor: 'mysql',
      packets: [...head(), ...prepare, ...altered],
      tables: [followed],
      from: set(4),
    });
    expect(first.data).toEqual([]);
    const from = first.events.at(-1) as { position: Position };
    expect(from.position).toMatchObject({ gtid_set: `${sid}:1-6`, prepared: { [name]: { gtid: `${sid}:5` } } });
    const asked: Position[] = [];
    const aside = (position: Position): Buffer[] => {
      asked.push(position);
      return [...head(), event.heartbeat(), ...prepare, ...altered];
    };
    const second = await readLog({
      flavor: 'mysql',
      packets: [...head(), ...commit],
      tables: [{ ...followedAt(intTable('thing', ['id', 'b', 'a']), since), memo: followed.memo }],
      from: from.position,
      visible: () => set(7),
      aside,
    });
    expect(asked).toEqual([gtidSetPosition(`${sid}:1-4:6-7`)]);
    expect(columns(second.data)).toEqual([[1, 10, 20]]);
    expect(second.events.at(-1)).toMatchObject({ kind: 'commit', position: set(7) });
  });

  it('that the log does not have any more is a position lost', async () => {
    const from = { ...set(6), prepared: { [name]: { gtid: `${sid}:5` } } } as unknown as Position;
    const aside = (): Buffer[] => [...head(), event.heartbeat(), event.heartbeat(), event.heartbeat()];
    const read = readLog({ flavor: 'mysql', packets: [...head(), ...commit], tables: [before], from, aside });
    await expect(read).rejects.toMatchObject({ code: 'POSITION_LOST', detail: expect.stringContaining(name) });
  });

  it('may be larger than memory has room for', async () => {
    const many = Array.from({ length: 9000 }, () =>
      event.insert(7, ...Array.from({ length: 80 }, (_, at): [number, number, number] => [at, at, at])),
    );
    const [begin, start, map, ...rest] = prepare;
    const large = [begin, start, map, ...many, ...rest.slice(1, -1)] as Buffer[];
    const packets = [...head(), ...large, event.xaPrepare(400, true)];
    const { data } = await readLog({
      flavor: 'mysql',
      packets,
      tables: [before],
      from: set(4),
      visible: () => set(5),
      aside: () => packets,
    });
    expect(data.length).toBe(9000 * 80);
  });

  it('has what stands behind it read once, with the columns of then', async () => {
    const packets = [
      ...head('10.11.11-MariaDB'),
      event.mariadbGtid(5, 0x40, 100),
      event.tableMap(7, 'thing', 3),
      event.insert(7, [1, 10, 20]),
      event.xaPrepare(200),
      event.mariadbGtid(6, 0, 300),
      event.tableMap(7, 'thing', 3),
      event.insert(7, [2, 10, 20]),
      event.xid(500),
      event.mariadbGtid(7, 1, 600),
      event.query(swap, 700),
    ];
    const followed = followedAt(intTable('thing', ['id', 'a', 'b']), gtidListPosition('0-1-1'));
    const { events, data } = await readLog({ flavor: 'mariadb', packets, tables: [followed], from: gtidListPosition('0-1-4') });
    expect(columns(data)).toEqual([[2, 10, 20]]);
    expect(events.at(-1)).toMatchObject({
      position: { gtid_list: '0-1-7', prepared: { [name]: { gtid: '0-1-5', after: '0-1-4' } } },
    });
  });
});

describe('the end of the log', () => {
  const transaction = [event.gtid(6, 600), event.query('BEGIN', 700), event.xid(800)];

  it('is not where heartbeats lie in front of what has been committed since', async () => {
    const packets = [...head(), ...Array.from({ length: 6 }, () => event.heartbeat()), ...transaction, event.heartbeat(800)];
    const { events } = await readLog({ flavor: 'mysql', packets, from: set(5), visible: () => set(6) });
    expect(events.at(-1)).toMatchObject({ kind: 'heartbeat', position: set(6) });
  });

  /** A heartbeat each second, by the clock that the reader looks at. */
  const quiet = (packets: Buffer[], more: (beats: number) => Buffer[]): (() => Promise<void>) => {
    let now = 0;
    let beats = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    return () => {
      now += 1000;
      beats += 1;
      if (beats > 20) return Promise.reject(END_OF_LOG);
      packets.push(...more(beats));
      return Promise.resolve();
    };
  };
  afterEach(() => vi.restoreAllMocks());

  it('is not where the server has committed something just now', async () => {
    const packets = head();
    const wait = quiet(packets, beats => (beats === 4 ? [...transaction, event.heartbeat(800)] : [event.heartbeat()]));
    const { events } = await readLog({ flavor: 'mysql', packets, from: set(5), visible: () => set(6), wait });
    expect(events.at(-1)).toMatchObject({ kind: 'heartbeat', position: set(6) });
  });

  it('is a position lost where the server has more and goes on not to send it', async () => {
    const packets = head();
    const wait = quiet(packets, () => [event.heartbeat()]);
    const read = readLog({ flavor: 'mysql', packets, from: set(5), visible: () => set(6), wait });
    await expect(read).rejects.toMatchObject({ code: 'POSITION_LOST', detail: expect.stringContaining('1-6') });
  });
});

describe('the columns that the log leaves a table with', () => {
  const packets = [...head(), event.gtid(5, 100), event.tableMap(7, 'thing', 3), event.insert(7, [1, 10, 20]), event.xid(300)];
  const swapped = intTable('thing', ['id', 'b', 'a']).layout;
  const read = { flavor: 'mysql', packets, from: set(4), present: set(5), layouts: [swapped] } as const;
  const tables = () => [followedAt(intTable('thing', ['id', 'a', 'b']), set(1))];

  it('must be those of the catalog', async () => {
    const error = { code: 'SCHEMA_CHANGED', detail: expect.stringContaining('sql_log_bin') };
    await expect(readLog({ ...read, tables: tables() })).rejects.toMatchObject(error);
    await expect(readLog({ ...read, packets: head(), from: set(5), tables: tables() })).rejects.toMatchObject(error);
  });

  it('may be behind the catalog for a moment', async () => {
    const later = [...packets, event.gtid(6, 400), event.query('ALTER TABLE thing MODIFY a int AFTER b', 500)];
    const layoutsAgain = () => ({ at: set(6), layouts: [swapped] });
    const { data } = await readLog({ ...read, packets: later, tables: tables(), layoutsAgain });
    expect(columns(data)).toEqual([[1, 10, 20]]);
  });

  it('are not held against the catalog of another place', async () => {
    const { data } = await readLog({ ...read, present: set(3), tables: tables() });
    expect(columns(data)).toEqual([[1, 10, 20]]);
  });
});

describe('a log that was begun anew', () => {
  const log = { server: 'here', file: 'binlog.000007', created: 1_700_000_000 };
  const at = (known: object): Position => ({ ...set(5), log: { ...log, ...known } }) as unknown as Position;
  const packets = [...head(), event.gtid(6, 600), event.query('BEGIN', 700), event.xid(800), event.heartbeat(800)];
  const read = (known: object, aside?: () => Buffer[]) =>
    readLog({ flavor: 'mysql', packets, from: at(known), ...(aside === undefined ? {} : { aside }) });
  const lost = { code: 'POSITION_LOST', detail: expect.stringContaining('was reset') };

  it('has files of other times, or fewer of them', async () => {
    await expect(read({ created: 1_600_000_000 })).rejects.toMatchObject(lost);
    await expect(read({ file: 'binlog.000008' })).rejects.toMatchObject(lost);
    await expect(read({ file: 'binlog.000003', created: 1_600_000_000 }, () => head())).rejects.toMatchObject(lost);
  });

  it('is none of another server, nor where the files are the same', async () => {
    for (const known of [{}, { server: 'elsewhere', created: 1 }, { file: 'other.000009' }]) {
      expect((await read(known)).events.at(-1)).toMatchObject({ position: { ...set(6), log } });
    }
    expect((await read({ file: 'binlog.000003' }, () => head())).events.at(-1)).toMatchObject({ position: { ...set(6), log } });
  });
});

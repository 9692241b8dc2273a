import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, Position } from '../../../../src/contract/ids.ts';
import { Gtid } from '../../../../src/engines/mysql/binlog/gtid.ts';
import {
  covers,
  coversHead,
  filePosition,
  gtidListPosition,
  gtidSetPosition,
  meet,
} from '../../../../src/engines/mysql/position.ts';
import { LogPlace } from '../../../../src/engines/mysql/replication/log-place.ts';
import { HeldTransaction } from '../../../../src/engines/mysql/replication/prepared.ts';

/** Who writes the log. */
const SERVER = 's';
const sid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const other = '3e11fa47-71ca-11e1-9e33-c80aa9429563';

const mysql = (gno: number, source = sid, tag = ''): Gtid =>
  Object.assign(new Gtid(), { flavor: 'mysql', sid: source, tag, gno });
const mariadb = (gno: number, domainId = 0, serverId = 1): Gtid =>
  Object.assign(new Gtid(), { flavor: 'mariadb', domainId, serverId, gno });
const anonymous = (): Gtid => new Gtid();

/** The place behind a transaction. */
const pass = (place: LogPlace, gtid: Gtid, file = 'b.000001', end = 100): Position => {
  place.begin(gtid, file, end - 50);
  place.commit(file, end);
  return place.position();
};

/** The place behind a transaction that is prepared, from byte 100 to 150. */
const prepare = (place: LogPlace, gtid: Gtid, name: string): Position => {
  place.begin(gtid, 'b.000001', 100);
  const held = new HeldTransaction(place.current('b.000001', 100), { hasChecksums: true });
  held.name = name;
  place.prepared.keep(held);
  place.commit('b.000001', 150);
  return place.position();
};

describe('a place told by a GTID set', () => {
  it('adds each transaction, whatever its source, and keeps holes', () => {
    const place = new LogPlace(gtidSetPosition(`${sid}:1-5:7`), SERVER);
    expect(pass(place, mysql(8))).toEqual({ gtid_set: `${sid}:1-5:7-8` });
    expect(pass(place, mysql(1, other))).toEqual({ gtid_set: `${sid}:1-5:7-8,${other}:1` });
    expect(pass(place, mysql(1, sid, 'tag'))).toEqual({ gtid_set: `${sid}:1-5:7-8:tag:1,${other}:1` });
    expect(pass(place, mysql(6))).toEqual({ gtid_set: `${sid}:1-8:tag:1,${other}:1` });
  });

  it('gives out the same object while it stands still, and a new one when it has moved', () => {
    const from = gtidSetPosition(`${sid}:1`);
    const place = new LogPlace(from, SERVER);
    expect(place.position()).toBe(from);
    expect(place.isAt(from)).toBe(true);
    const second = pass(place, mysql(2));
    expect(place.position()).toBe(second);
    expect(place.isAt(from)).toBe(false);
    place.begin(mysql(3), 'b.000001', 100);
    place.commit('b.000001', 200);
    expect(place.isAt(second)).toBe(false);
  });

  it('says which positions have the transaction at hand', () => {
    const place = new LogPlace(gtidSetPosition(''), SERVER);
    place.begin(mysql(6), 'b.000001', 100);
    expect(place.isIn(gtidSetPosition(`${sid}:1-5:7-9`))).toBe(false);
    expect(place.isIn(gtidSetPosition(`${sid}:1-6`))).toBe(true);
    expect(place.isIn(gtidListPosition('0-1-9'))).toBe(false);
  });

  it('says which transactions are prepared, and is resumed behind them', () => {
    const place = new LogPlace(gtidSetPosition(`${sid}:1-4`), SERVER);
    const prepared = prepare(place, mysql(5, sid, 'tag'), 'x');
    expect(prepared).toEqual({ gtid_set: `${sid}:1-4:tag:5`, prepared: { x: { gtid: `${sid}:tag:5` } } });
    const later = new LogPlace(prepared, SERVER);
    expect(pass(later, mysql(6))).toEqual({ gtid_set: `${sid}:1-4:6:tag:5`, prepared: { x: { gtid: `${sid}:tag:5` } } });
    later.begin(mysql(7), 'b.000001', 100);
    expect(later.prepared.take('x')?.place).toEqual({ gtid: `${sid}:tag:5` });
    later.commit('b.000001', 70);
    expect(later.position()).toEqual({ gtid_set: `${sid}:1-4:6-7:tag:5` });
  });

  it('refuses a transaction without a GTID', () => {
    expect(() => new LogPlace(gtidSetPosition(`${sid}:1`), SERVER).begin(anonymous(), 'b.000001', 100)).toThrowError(/gtid_mode/);
  });
});

describe('a place told by a GTID list', () => {
  const behind = (pos: number, file = 'b.000001', server = SERVER) => ({ file, pos, server });
  const list = (text: string, at?: ReturnType<typeof behind>): Position => gtidListPosition(text, at);

  it('follows the order of the log where numbers do not: a replica with statements of its own', () => {
    const place = new LogPlace(list('0-22-7', behind(500)), SERVER);
    const since = list('0-22-7', behind(500));
    const head = list('0-2-6', behind(700));
    expect(place.covers(head)).toBe(false);
    place.begin(mariadb(5, 0, 2), 'b.000001', 500);
    expect(place.isIn(since)).toBe(false);
    place.commit('b.000001', 600);
    expect(place.position()).toEqual({ gtid_list: '0-2-5', at: behind(600) });
    expect(place.covers(head)).toBe(false);
    place.begin(mariadb(6, 0, 2), 'b.000001', 600);
    expect(place.isIn(since)).toBe(false);
    place.commit('b.000001', 700);
    expect(place.covers(head)).toBe(true);
  });

  it('counts as new what comes behind the place at which the log was begun, also on another server', () => {
    const from = list('0-22-7', behind(500, 'b.000001', 'another'));
    const place = new LogPlace(from, SERVER);
    place.begin(mariadb(5, 0, 2), 'b.000009', 100);
    expect(place.isIn(from)).toBe(false);
    expect(place.isIn(list('0-22-7'))).toBe(false);
    place.commit('b.000009', 200);
    expect(place.position()).toEqual({ gtid_list: '0-2-5', at: behind(200, 'b.000009') });
  });

  it('is lost where a place of another server is to be found by numbers that tell no order', () => {
    const place = new LogPlace(list('0-1-5'), SERVER);
    const since = list('0-1-9', behind(900, 'b.000001', 'another'));
    place.begin(mariadb(6), 'b.000001', 100);
    expect(place.isIn(since)).toBe(true);
    place.commit('b.000001', 200);
    place.begin(mariadb(6, 0, 2), 'b.000001', 200);
    expect(() => place.isIn(since)).toThrowError(/cannot be found in it/);
  });

  it('is lost where a place of another server is to be found by numbers of two servers', () => {
    const since = list('0-22-7', behind(900, 'b.000001', 'another'));
    const place = new LogPlace(list('0-2-4', behind(500, 'b.000001', 'another')), SERVER);
    place.begin(mariadb(5, 0, 2), 'b.000001', 100);
    expect(() => place.isIn(since)).toThrowError(/cannot be found in it/);
    place.commit('b.000001', 200);
    pass(place, mariadb(7, 0, 22), 'b.000001', 300);
    // It was passed: what comes now is behind it, whatever its number.
    place.begin(mariadb(6, 0, 2), 'b.000001', 300);
    expect(place.isIn(since)).toBe(false);
    expect(place.covers(since)).toBe(true);
  });

  it('is not at the end of the log of another server because of larger numbers alone', () => {
    const from = list('0-2-5', behind(500, 'b.000001', 'another'));
    const place = new LogPlace(from, SERVER);
    const head = list('0-22-4', behind(900));
    expect(coversHead(from, head)).toBe(false);
    expect(place.covers(head)).toBe(false);
    expect(place.covers(list('0-2-5', behind(900)))).toBe(true);
    pass(place, mariadb(4, 0, 22), 'b.000001', 900);
    expect(place.covers(head)).toBe(true);
  });

  it('is, for any numbers, behind what came before it in the file and in front of what comes after', () => {
    const gtids = fc.array(fc.record({ domain: fc.nat(1), server: fc.nat(2), sequence: fc.nat(5) }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(gtids, fc.nat(11), fc.nat(11), (log, begun, marked) => {
        const lists: string[] = [''];
        const last = new Map<number, string>();
        for (const { domain, server, sequence } of log) {
          last.set(domain, `${domain}-${server}-${sequence}`);
          lists.push(
            [...last]
              .toSorted(([a], [b]) => a - b)
              .map(([, gtid]) => gtid)
              .join(','),
          );
        }
        const at = (index: number): Position => list(lists[index] ?? '', behind(100 * (index + 1)));
        const [from, mark] = [Math.min(begun, log.length), Math.min(marked, log.length)];
        const place = new LogPlace(at(from), SERVER);
        for (let index = from; index < log.length; index++) {
          const { domain, server, sequence } = log[index] as (typeof log)[number];
          expect(place.covers(at(mark))).toBe(index >= mark);
          expect(place.isWithin(at(mark))).toBe(index <= mark);
          place.begin(mariadb(sequence, domain, server), 'b.000001', 100 * (index + 1));
          expect(place.isIn(at(mark))).toBe(index < mark);
          place.commit('b.000001', 100 * (index + 2));
          expect(place.position()).toEqual(at(index + 1));
          expect(covers(at(index), at(mark))).toBe(index >= mark);
          expect(meet(at(index), at(mark))).toEqual(at(Math.min(index, mark)));
        }
      }),
    );
  });

  it('moves in each domain', () => {
    const place = new LogPlace(gtidListPosition('0-1-5'), SERVER);
    expect(pass(place, mariadb(6, 0, 2))).toEqual({ gtid_list: '0-2-6', at: behind(100) });
    expect(pass(place, mariadb(1, 3), 'b.000001', 200)).toEqual({ gtid_list: '0-2-6,3-1-1', at: behind(200) });
    place.begin(mariadb(7), 'b.000001', 100);
    expect(place.isIn(gtidListPosition('0-1-7'))).toBe(true);
    expect(place.isIn(gtidListPosition('0-1-6,3-1-9'))).toBe(false);
  });

  it('knows what stood in front of a prepared transaction', () => {
    const place = new LogPlace(gtidListPosition('0-1-4,1-1-1'), SERVER);
    const x = { x: { gtid: '0-1-5', after: '0-1-4,1-1-1' } };
    expect(prepare(place, mariadb(5), 'x')).toEqual({ gtid_list: '0-1-5,1-1-1', at: behind(150), prepared: x });
    const both = prepare(place, mariadb(2, 1), 'y');
    expect(both).toEqual({
      gtid_list: '0-1-5,1-1-2',
      at: behind(150),
      prepared: { ...x, y: { gtid: '1-1-2', after: '0-1-5,1-1-1' } },
    });
  });
});

describe('a place told by file and byte', () => {
  const at = (file: string, pos: number): Position => filePosition({ file, pos, server: 's' });

  it('moves with transactions and, between them, with the file', () => {
    const place = new LogPlace(at('b.000001', 100), SERVER);
    expect(pass(place, anonymous(), 'b.000001', 250)).toEqual({ file: 'b.000001', pos: 250, server: 's' });
    place.idle('b.000002', 4);
    expect(place.position()).toEqual({ file: 'b.000002', pos: 4, server: 's' });
    place.begin(anonymous(), 'b.000001', 100);
    expect(place.isIn(at('b.000002', 300))).toBe(true);
    expect(place.isIn(at('b.000002', 4))).toBe(false);
  });

  it('is not taken back by a dump that had to begin further ahead', () => {
    const place = new LogPlace(at('b.000001', 5_000_000_000), SERVER);
    place.idle('b.000001', 4);
    expect(place.moved).toBe(false);
    expect(place.isBehind('b.000001', 300)).toBe(true);
    expect(place.isBehind('b.000001', 5_000_000_000)).toBe(false);
    expect(place.isBehind('b.000002', 4)).toBe(false);
  });

  it('knows where a prepared transaction begins', () => {
    const place = new LogPlace(at('b.000001', 100), SERVER);
    const behind = prepare(place, anonymous(), 'x');
    const x = { file: 'b.000001', pos: 100, server: 's' };
    expect(behind).toEqual({ file: 'b.000001', pos: 150, server: 's', prepared: { x } });
    expect(pass(new LogPlace(behind, SERVER), anonymous(), 'b.000002', 300)).toEqual({
      file: 'b.000002',
      pos: 300,
      server: 's',
      prepared: { x },
    });
  });
});

describe('what a position says beside the place', () => {
  it('is kept until it changes', () => {
    const from = { gtid_set: `${sid}:1`, tables: { layouts: [] } } as JsonObject as Position;
    const place = new LogPlace(from, SERVER);
    expect(pass(place, mysql(2))).toEqual({ gtid_set: `${sid}:1-2`, tables: { layouts: [] } });
    place.others = { layouts: [] };
    expect(place.moved).toBe(false);
    place.others = null;
    expect(place.position()).toEqual({ gtid_set: `${sid}:1-2` });
  });
});

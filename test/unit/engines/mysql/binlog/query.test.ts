import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import * as events from '../../../../../src/engines/mysql/binlog/events.ts';
import * as encoder from './binlog-encoder.ts';
import { decoderOf, read, unreadable } from './decode.ts';

const { join, u8, u16, u32, u64, event } = encoder;

describe('statements', () => {
  it('say what they are to the transaction', () => {
    const decoder = decoderOf();
    const kinds = [
      'x',
      'BEGIN',
      'COMMIT',
      'ROLLBACK',
      'SAVEPOINT `s`',
      'ROLLBACK TO `s`',
      'RELEASE SAVEPOINT s',
      "XA START X'61'",
      "XA END X'61'",
      "XA PREPARE X''",
      "XA COMMIT X'61'",
      "XA ROLLBACK X'61'",
    ];
    for (const [kind, sql] of kinds.entries()) {
      expect(read(decoder, encoder.query(sql))).toBe(events.QUERY);
      expect([decoder.query.text(), decoder.query.kind, decoder.query.schema]).toEqual([sql, kind, 'shop']);
      read(decoder, encoder.query(sql.toLowerCase()));
      expect(decoder.query.kind).toBe(kind);
    }
    for (const sql of ['BEGINNING', '', 'commits', 'rollbacks', 'DROP TABLE begin']) {
      read(decoder, encoder.query(sql, ''));
      expect([decoder.query.kind, decoder.query.schema, decoder.query.text()]).toEqual([0, '', sql]);
    }
  });

  it('have status variables, known or not', () => {
    const decoder = decoderOf();
    const known = join(
      join(
        u8(0),
        u32(0),
        u8(1),
        u64(0x10_0004),
        u8(3),
        u32(1),
        u8(4),
        u16(45),
        u16(46),
        u16(255),
        u8(5),
        u8(3),
        'UTC',
        u8(6),
        u8(3),
        'std',
      ),
      join(
        u8(7),
        u16(0),
        u8(8),
        u16(33),
        u8(9),
        u64(0),
        u8(11),
        u8(2),
        'me',
        u8(1),
        '%',
        u8(12),
        u8(2),
        'a\0b\0',
        u8(13),
        Buffer.alloc(3),
      ),
      join(
        u8(16),
        u8(1),
        u8(17),
        u64(9),
        u8(18),
        u16(255),
        u8(19),
        u8(0),
        u8(20),
        u8(0),
        u8(128),
        Buffer.alloc(3),
        u8(129),
        u64(1),
        u8(130),
        u8(2),
      ),
      join(u8(130), u8(4), u64(1), u8(131), u8(1), u32(0)),
    );
    expect(read(decoder, encoder.query('SELECT 1', 'ä', join(known, u8(200), 'whatever')))).toBe(events.QUERY);
    const { sqlMode, clientCollation, serverCollation, databaseCollation, defaultUtf8mb4Collation, schema } = decoder.query;
    expect([sqlMode, clientCollation, serverCollation, databaseCollation, defaultUtf8mb4Collation, schema]).toEqual([
      0x10_0004,
      45,
      255,
      33,
      255,
      'ä',
    ]);
    expect(decoder.query.text()).toBe('SELECT 1');
    read(decoder, encoder.query('SELECT 2'));
    expect(decoder.query).toMatchObject({ sqlMode: 0, clientCollation: 0, databaseCollation: 0 });
    expect(unreadable(decoder, encoder.query('x', 'y', join(u8(1), u32(0))))).toContain('too early');
  });

  it('may be compressed by MariaDB, or of LOAD DATA', () => {
    const decoder = decoderOf('mariadb');
    const sql = 'CREATE TABLE t (a int) -- ä '.repeat(20);
    const head = join(u32(1), u32(0), u8(1), u16(0), u16(0), 'd', u8(0));
    const length = Buffer.byteLength(sql);
    const compressed = (size: number, body: Uint8Array): Buffer =>
      event(events.QUERY_COMPRESSED_EVENT, join(head, u8(0x82), u8(size >> 8), u8(size & 255), body));
    expect(read(decoder, compressed(length, deflateSync(sql)))).toBe(events.QUERY);
    expect([decoder.query.text(), decoder.query.schema]).toEqual([sql, 'd']);
    expect(unreadable(decoder, compressed(length - 1, deflateSync(sql)))).toContain('compressed');
    expect(unreadable(decoder, compressed(length + 1, deflateSync(sql)))).toContain('instead of');
    expect(unreadable(decoder, compressed(length, deflateSync(sql).subarray(0, 20)))).toContain('compressed');
    const load = join(u32(1), u32(0), u8(1), u16(0), u16(0), u32(1), u32(2), u32(3), u8(0), 'd', u8(0), 'LOAD DATA');
    expect(read(decoder, event(events.EXECUTE_LOAD_QUERY_EVENT, load))).toBe(events.QUERY);
    expect(decoder.query.text()).toBe('LOAD DATA');
    expect(read(decoder, event(events.RAND_EVENT, Buffer.alloc(16)))).toBe(events.STATEMENT_CONTEXT);
  });
});

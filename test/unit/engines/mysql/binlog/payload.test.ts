import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../../../../src/contract/errors.ts';
import { BinlogDecoder } from '../../../../../src/engines/mysql/binlog/decoder.ts';
import * as events from '../../../../../src/engines/mysql/binlog/events.ts';
import * as encoder from './binlog-encoder.ts';

const { event, join, packed, payloadBody, u64, u8, zstdFrame } = encoder;
const ZSTD = 0;
const NONE = 255;
const POSITION = 9000;

const plain = (type: number, body: Uint8Array): Buffer => event(type, body, { plain: true });
const map = plain(events.TABLE_MAP_EVENT, encoder.tableMapBody(7, 'shop', 'items', [{ type: 3 }, { type: 252, metadata: [4] }]));
const insert = (id: number, bytes: number): Buffer => {
  const row = [encoder.u32(id), join(encoder.u32(bytes), Buffer.alloc(bytes, id))];
  return plain(events.WRITE_ROWS_EVENT, encoder.rowsBody({ type: events.WRITE_ROWS_EVENT, columns: 2 }, [[row]]));
};
const xid = plain(events.XID_EVENT, u64(1));

const packet = (body: Uint8Array): Buffer => event(events.TRANSACTION_PAYLOAD_EVENT, body, { position: POSITION });
const zstd = (inner: Uint8Array, block?: number): Buffer => packet(payloadBody(zstdFrame(inner, block), ZSTD, inner.length));

/** What is in a packet: kinds, and for rows the id and length of the blob. */
const contents = async (bytes: Uint8Array, isSound = true): Promise<(number | readonly number[])[]> => {
  const decoder = new BinlogDecoder({ flavor: 'mysql', hasChecksums: true });
  await decoder.open(bytes, 0, bytes.length);
  const found: (number | readonly number[])[] = [];
  for (let kind = decoder.next(); kind !== events.END; kind = decoder.next()) {
    expect(decoder.position).toBe(POSITION);
    if (kind !== events.ROWS) found.push(kind);
    const { rows } = decoder;
    while (kind === events.ROWS && rows.next()) {
      const [start = 0, end = 0] = [rows.after.starts[1], rows.after.ends[1]];
      const id = rows.bytes[rows.after.starts[0] ?? 0] ?? -1;
      if (isSound) expect(rows.bytes.subarray(start + 4, end).every(byte => byte === id)).toBe(true);
      found.push([id, end - start - 4]);
    }
  }
  return found;
};
const refusal = async (bytes: Uint8Array): Promise<string> => {
  const error = await contents(bytes).catch((thrown: unknown) => thrown);
  if (!(error instanceof ConnectorError)) throw new Error(`not refused as it should be: ${String(error)}`);
  expect(error.code).toBe('VALUE_UNREADABLE');
  return error.detail;
};

const small = join(map, insert(1, 10), insert(2, 0), xid);
const expected = [events.TABLE_MAP, [1, 10], [2, 0], events.XID];

describe('compressed transactions', () => {
  it('hold events that come one by one, packed or not', async () => {
    expect(await contents(zstd(small))).toEqual(expected);
    expect(await contents(packet(payloadBody(small, NONE, small.length)))).toEqual(expected);
    expect(await contents(packet(payloadBody(Buffer.alloc(0), NONE, 0)))).toEqual([]);
  });

  it('may be cut into pieces anywhere', async () => {
    for (const block of [1, 7, 18, 19, 20, 64]) expect(await contents(zstd(small, block))).toEqual(expected);
  });

  it('are unpacked piece by piece, with events larger than any piece', async () => {
    const sizes = [300_000, 10, 1_000_000, 0, 131_072, 5_000_000, 3];
    const inner = join(map, ...sizes.map((size, i) => insert(i + 1, size)), xid);
    expect(await contents(zstd(inner))).toEqual([events.TABLE_MAP, ...sizes.map((size, i) => [i + 1, size]), events.XID]);
    expect(
      await contents(
        packet(payloadBody(join(zstdFrame(inner.subarray(0, 700_000)), zstdFrame(inner.subarray(700_000))), ZSTD, inner.length)),
      ),
    ).toHaveLength(sizes.length + 2);
  });

  it('do not need memory for all of what they hold', async () => {
    const inner = join(map, ...Array.from({ length: 400 }, (_, i) => insert(i % 200, 100_000)));
    const bytes = zstd(inner);
    const decoder = new BinlogDecoder({ flavor: 'mysql', hasChecksums: true });
    await decoder.open(bytes, 0, bytes.length);
    const largest = { is: 0 };
    for (let kind = decoder.next(); kind !== events.END; kind = decoder.next()) {
      if (kind === events.ROWS) largest.is = Math.max(largest.is, decoder.rows.bytes.length);
    }
    expect(largest.is).toBeGreaterThan(100_000);
    expect(largest.is).toBeLessThan(1_000_000);
  });

  it('leave nothing behind when they are not read to the end', async () => {
    const decoder = new BinlogDecoder({ flavor: 'mysql', hasChecksums: true });
    const bytes = zstd(join(map, insert(1, 500_000), xid));
    await decoder.open(bytes, 0, bytes.length);
    expect(decoder.next()).toBe(events.TABLE_MAP);
    const next = event(events.XID_EVENT, u64(1));
    void decoder.open(next, 0, next.length);
    expect([decoder.next(), decoder.next()]).toEqual([events.XID, events.END]);
  });

  it('are refused when they are not what they say', async () => {
    const frame = zstdFrame(small);
    expect(await refusal(packet(payloadBody(frame, 1, small.length)))).toContain('compression 1');
    expect(await refusal(packet(payloadBody(frame, ZSTD, small.length - 1)))).toContain('longer than it says');
    expect(await refusal(packet(payloadBody(frame, ZSTD, small.length + 1)))).toContain('1 bytes of its payload are missing');
    expect(await refusal(packet(payloadBody(frame.subarray(0, -1), ZSTD, small.length)))).toMatch(/cannot be unpacked|missing/);
    expect(await refusal(packet(join(payloadBody(frame, ZSTD, small.length), u8(0))))).toContain('instead of');
    expect(await refusal(packet(payloadBody(Buffer.from('not zstd at all'), ZSTD, 100)))).toMatch(/not zstd|cannot be unpacked/);
    expect(await refusal(packet(join(packed(9), packed(300))))).toContain('too early');
    const cut = small.subarray(0, -5);
    expect(await refusal(packet(payloadBody(cut, NONE, cut.length)))).toContain('says that it has 27 bytes');
    expect(await refusal(packet(payloadBody(small.subarray(0, 10), NONE, 10)))).toContain('ends too early');
    const huge = Buffer.from(xid);
    huge.writeUInt32LE(0x4000_0001, 9);
    expect(await refusal(packet(payloadBody(zstdFrame(huge), ZSTD, huge.length)))).toContain('says that it has');
    const nested = event(events.TRANSACTION_PAYLOAD_EVENT, payloadBody(small, NONE, small.length), { plain: true });
    expect(await refusal(packet(payloadBody(nested, NONE, nested.length)))).toContain('inside of another');
  });

  it('are refused, not waited for, wherever their bytes are broken', async () => {
    const bytes = payloadBody(zstdFrame(small), ZSTD, small.length);
    for (let at = 0; at < bytes.length; at++) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] ?? 0) ^ 0xff;
      await contents(packet(broken), false).catch((error: unknown) => {
        if (!(error instanceof ConnectorError)) throw error;
      });
    }
  });
});

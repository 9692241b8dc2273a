import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketReader } from '../../../../../src/engines/mysql/wire/packet-reader.ts';
import { ByteSource } from '../../../../../src/net/byte-source.ts';

const LONGEST = 0xff_ffff;

/** Payloads as packets, those of 16 MiB and more in several. */
const packets = (payloads: readonly Buffer[]): Buffer =>
  Buffer.concat(
    payloads.flatMap(payload => {
      const parts: Buffer[] = [];
      for (let at = 0, sequence = 0; ; at += LONGEST, sequence++) {
        const part = payload.subarray(at, at + LONGEST);
        const header = Buffer.alloc(4);
        header.writeUIntLE(part.length, 0, 3);
        header[3] = sequence;
        parts.push(header, part);
        if (part.length < LONGEST) return parts;
      }
    }),
  );

/** Sends the bytes in pieces that end at `cuts`, and gives what the reader makes of them. */
const read = async (bytes: Buffer, cuts: readonly number[], count: number): Promise<{ payloads: Buffer[]; sequence: number }> => {
  const socket = new PassThrough({ highWaterMark: 1 << 30 });
  const reader = new PacketReader(new ByteSource(socket, new AbortController().signal));
  const payloads: Buffer[] = [];
  const ends = [...cuts, bytes.length].sort((a, b) => a - b);
  let from = 0;
  const send = (): void => {
    const end = ends.shift();
    if (end === undefined) return;
    if (end > from) socket.write(bytes.subarray(from, end));
    from = Math.max(from, end);
  };
  send();
  while (payloads.length < count) {
    if (reader.next()) payloads.push(Buffer.from(reader.bytes.subarray(reader.start, reader.end)));
    else {
      const filled = reader.fill(5_000);
      const pump = setInterval(send, 0);
      await filled;
      clearInterval(pump);
    }
  }
  expect(reader.next()).toBe(false);
  return { payloads, sequence: reader.sequence };
};

describe('PacketReader', () => {
  it('cuts packets, wherever the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(2_500), { maxLength: 6 }),
        async (payloads, cuts) => {
          const sent = payloads.map(payload => Buffer.from(payload));
          const bytes = packets(sent);
          const inside = cuts.map(cut => cut % (bytes.length + 1));
          expect((await read(bytes, inside, sent.length)).payloads).toEqual(sent);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([LONGEST - 1, LONGEST, LONGEST + 1, 2 * LONGEST, 2 * LONGEST + 5])('joins a payload of %i bytes', async length => {
    const large = Buffer.alloc(length);
    for (let at = 0; at < length; at += 4093) large[at] = at & 0xff;
    large[length - 1] = 0xee;
    const small = Buffer.from('behind it');
    const bytes = packets([large, small]);
    // Cut within headers and beside them.
    const cuts = [2, 4, LONGEST, LONGEST + 3, LONGEST + 6, LONGEST + 8, 2 * LONGEST + 10, bytes.length - 3];
    const { payloads } = await read(
      bytes,
      cuts.filter(cut => cut < bytes.length),
      2,
    );
    expect(payloads[0]?.equals(large)).toBe(true);
    expect(payloads[1]).toEqual(small);
  });

  it('keeps the sequence number of the last packet of a payload', async () => {
    expect((await read(packets([Buffer.alloc(2 * LONGEST)]), [], 1)).sequence).toBe(2);
  });

  it('throws when the socket ends within a packet', async () => {
    const socket = new PassThrough();
    const reader = new PacketReader(new ByteSource(socket, new AbortController().signal));
    socket.end(Buffer.from([10, 0, 0, 0, 1, 2]));
    expect(reader.next()).toBe(false);
    await reader.fill(1_000).catch(() => {});
    expect(reader.next()).toBe(false);
    await expect(reader.fill(1_000)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });
});

import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ByteSource } from '../../../src/net/byte-source.ts';

const PIECE = 64 * 1024;

/** A socket whose other end sends as long as it is let; counts what it was allowed to send. */
class Sender extends Duplex {
  sent = 0;
  readonly #total: number;

  constructor(total: number) {
    super();
    this.#total = total;
  }

  override _read(): void {
    setImmediate(() => {
      if (this.sent >= this.#total) {
        this.push(null);
        return;
      }
      this.sent += PIECE;
      this.push(Buffer.alloc(PIECE, this.sent / PIECE));
    });
  }

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

const turns = async (count: number): Promise<void> => {
  for (let left = count; left > 0; left--) await new Promise(resolve => setImmediate(resolve));
};

/** All that comes, each piece by its first byte. */
async function drain(source: ByteSource, need: number): Promise<{ readonly pieces: readonly number[]; readonly bytes: number }> {
  const pieces: number[] = [];
  let bytes = 0;
  for (;;) {
    try {
      await source.fill(need, 0);
    } catch (error) {
      expect(error).toHaveProperty('code', 'CONNECTION_LOST');
      return { pieces, bytes };
    }
    for (; source.at + PIECE <= source.limit; source.at += PIECE) pieces.push(source.bytes[source.at] as number);
    bytes = source.received;
  }
}

describe('ByteSource', () => {
  it('takes what is not asked for up to half a megabyte, and a piece on the way', async () => {
    const socket = new Sender(1024 * PIECE);
    const source = new ByteSource(socket, new AbortController().signal);
    await turns(200);
    expect(socket.sent).toBeGreaterThanOrEqual(512 * 1024);
    expect(socket.sent).toBeLessThanOrEqual(512 * 1024 + 2 * PIECE);
    expect(source.readable).toBe(true);
    expect(source.received).toBe(0);
    source.close();
  });

  it.each([1, PIECE, 5 * PIECE])('gives every byte in order, and says that it ended (at least %i)', async need => {
    const count = 200;
    const source = new ByteSource(new Sender(count * PIECE), new AbortController().signal);
    const { pieces, bytes } = await drain(source, need);
    expect(pieces).toEqual(Array.from({ length: count }, (_, at) => at + 1));
    expect(bytes).toBe(count * PIECE);
    source.close();
  });

  it('ends a wait when it is closed, lost or stopped', async () => {
    const waiting = (): { socket: Duplex; source: ByteSource; stop: AbortController } => {
      const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
      const stop = new AbortController();
      return { socket, source: new ByteSource(socket, stop.signal), stop };
    };
    const closed = waiting();
    const closing = expect(closed.source.fill(1, 0)).rejects.toMatchObject({ code: 'STOPPED' });
    closed.source.close();
    await closing;

    const lost = waiting();
    const losing = expect(lost.source.fill(1, 0)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    lost.socket.destroy(new Error('reset'));
    await losing;

    const stopped = waiting();
    const stopping = expect(stopped.source.fill(1, 0)).rejects.toMatchObject({ code: 'STOPPED' });
    stopped.stop.abort();
    await stopping;

    const quiet = waiting();
    await expect(quiet.source.fill(1, 20)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(quiet.socket.destroyed).toBe(true);
  });
});

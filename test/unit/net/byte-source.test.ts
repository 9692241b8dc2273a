import { createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ByteSource } from '../../../src/net/byte-source.ts';
import { dial } from '../../../src/net/dial.ts';

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

  it('does not copy a message anew each time that more of it shows', async () => {
    const source = new ByteSource(new Sender(1024 * PIECE), new AbortController().signal);
    const buffers = new Set<Buffer>();
    for (let wanted = 4 * PIECE; wanted <= 1000 * PIECE; wanted += 4 * PIECE) {
      await source.fill(wanted, 0);
      buffers.add(source.bytes);
      expect(source.limit - source.at).toBeGreaterThanOrEqual(wanted);
    }
    expect(Array.from({ length: 1000 }, (_, at) => source.bytes[source.at + at * PIECE])).toEqual(
      Array.from({ length: 1000 }, (_, at) => (at + 1) % 256),
    );
    expect(buffers.size).toBeLessThan(10);
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

describe('ByteSource on a connection of its own', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** A connection to a server that does with it what `serve` says. */
  async function connected(serve: (socket: Socket) => void): Promise<Duplex> {
    const server = createServer(socket => {
      socket.on('error', () => {});
      serve(socket);
    });
    servers.push(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const socket = await dial({ host: '127.0.0.1', port }, new AbortController().signal);
    socket.on('error', () => {});
    return socket;
  }
  const sourceOf = (socket: Duplex): ByteSource => new ByteSource(socket, new AbortController().signal);

  /** Bytes that tell where they are. */
  const counted = (length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(at / 4, at);
    return bytes;
  };

  /** Takes messages of those lengths, over and over, and checks each byte; a pause before some of them. */
  async function take(source: ByteSource, all: Buffer, lengths: readonly number[], pauses = 0): Promise<void> {
    let done = 0;
    for (let turn = 0; done < all.length; turn++) {
      const length = Math.min(lengths[turn % lengths.length] as number, all.length - done);
      if (turn < pauses) await sleep(2);
      while (source.limit - source.at < length) await source.fill(length, 5000);
      const { bytes, at } = source;
      // What is borrowed stays, whatever arrives meanwhile.
      if (turn < pauses) await sleep(2);
      expect(all.compare(bytes, at, at + length, done, done + length)).toBe(0);
      source.at += length;
      done += length;
    }
  }

  const SIZE = 24 * 1024 * 1024;
  it.each<[string, number[], number]>([
    ['small messages', [7, 1000, 8192], 0],
    ['messages, and pauses in which more arrives', [100_000, 300_000, 9], 200],
    ['messages larger than the buffer, and small ones again', [6_000_000, 11, 600_000, 70_000], 10],
  ])('gives every byte: %s', async (_name, lengths, pauses) => {
    const all = counted(SIZE);
    const source = sourceOf(await connected(socket => socket.end(all)));
    await take(source, all, lengths, pauses);
    expect(source.received).toBe(SIZE);
    await expect(source.fill(1, 5000)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    source.close();
  });

  it('gives what came as data before, and loses nothing of what came in between', async () => {
    const all = counted(2 * 1024 * 1024);
    const socket = await connected(peer => {
      peer.write(all.subarray(0, 5));
      peer.once('data', () => peer.end(all.subarray(5)));
    });
    const hello = await new Promise<Buffer>(resolve => socket.once('data', resolve));
    expect(hello.equals(all.subarray(0, 5))).toBe(true);
    socket.pause();
    socket.write('on');
    await sleep(50); // it fills up what a stream keeps
    const source = sourceOf(socket);
    await take(source, all.subarray(5), [4099], 5);
    source.close();
  });

  it('takes half a megabyte, however long nobody asks, and goes on', async () => {
    const all = counted(SIZE);
    let isSent = false;
    const source = sourceOf(await connected(socket => socket.end(all, () => (isSent = true))));
    await sleep(300);
    expect(source.bytes.length).toBe(512 * 1024);
    expect(source.readable).toBe(true);
    expect(isSent).toBe(false);
    await take(source, all, [8192]);
    source.close();
  });

  it.each([3_000_000, 20_000_000])('takes no more than that behind a message of %i bytes either', async size => {
    const all = counted(SIZE * 2);
    const source = sourceOf(await connected(socket => socket.end(all)));
    await source.fill(size, 5000);
    source.at += size;
    for (const need of [1, 460_000]) {
      await source.fill(need, 5000);
      source.at = source.limit;
      await source.fill(need, 5000);
      source.at = source.limit - 1;
      await sleep(200);
      await source.fill(1, 5000);
      expect(source.limit - source.at).toBeLessThanOrEqual(need + 512 * 1024 + 64 * 1024);
    }
    source.close();
  });

  it('gives a large buffer back', async () => {
    const all = counted(SIZE);
    const source = sourceOf(await connected(socket => socket.end(all)));
    await source.fill(9_000_000, 5000);
    expect(source.bytes.length).toBeGreaterThan(9_000_000);
    source.at = source.limit;
    await source.fill(8192, 5000);
    for (; source.received < SIZE; source.at = source.limit) await source.fill(8192, 5000);
    expect(source.bytes.length).toBe(512 * 1024);
    source.close();
  });

  it('lets the connection come to its end when it is closed, whatever is still sent', async () => {
    let onClosed = (): void => {};
    const closed = new Promise<void>(resolve => {
      onClosed = resolve;
    });
    const socket = await connected(peer => {
      peer.on('close', onClosed);
      peer.end(counted(SIZE));
    });
    const source = sourceOf(socket);
    await source.fill(1, 5000);
    source.close();
    socket.end();
    await closed;
    await expect(source.fill(SIZE, 5000)).rejects.toMatchObject({ code: 'STOPPED' });
  });
});

import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ChaosProxy } from './proxy.ts';
import { sleep } from './servers/process.ts';

let echo: Server;
let proxy: ChaosProxy;
const sockets = new Set<Socket>();

beforeEach(async () => {
  echo = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>(resolve => echo.listen(0, '127.0.0.1', resolve));
  const address = echo.address();
  proxy = await ChaosProxy.start({ host: '127.0.0.1', port: typeof address === 'object' ? (address?.port ?? 0) : 0 });
});
afterEach(async () => {
  await proxy.stop();
  for (const socket of sockets) socket.destroy();
  echo.close();
});

interface Client {
  readonly socket: Socket;
  received(): string;
  ending(): string | null;
}
const client = async (): Promise<Client> => {
  const socket = connect(proxy.port, proxy.host);
  sockets.add(socket);
  let text = '';
  let end: string | null = null;
  socket.on('data', piece => {
    text += piece.toString();
  });
  socket.on('end', () => {
    end = 'end';
  });
  socket.on('error', error => {
    end = (error as NodeJS.ErrnoException).code ?? 'error';
  });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return { socket, received: () => text, ending: () => end };
};
const until = async (condition: () => boolean): Promise<void> => {
  for (let waited = 0; !condition(); waited++) {
    if (waited > 500) throw new Error('it did not come to pass');
    await sleep(10);
  }
};

it('passes bytes on in order, and counts them', async () => {
  const { socket, received } = await client();
  proxy.delayMilliseconds = 2;
  const pieces = Array.from({ length: 20 }, (_, index) => `piece ${index};`);
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(1);
  }
  await until(() => received() === pieces.join(''));
  expect(proxy.bytesDown).toBe(pieces.join('').length);
  expect(proxy.bytesUp).toBe(pieces.join('').length);
  expect(proxy.connections).toBe(1);
});

it('stalls and goes on', async () => {
  const { socket, received, ending } = await client();
  proxy.setMode('stall');
  socket.write('hello');
  await sleep(150);
  expect(received()).toBe('');
  expect(ending()).toBeNull();
  proxy.setMode('forward');
  await until(() => received() === 'hello');
});

it('stops reading without a word, and goes on', async () => {
  const { socket, received, ending } = await client();
  proxy.setMode('freeze');
  socket.write('x'.repeat(1000));
  await sleep(150);
  expect(received()).toBe('');
  expect(ending()).toBeNull();
  proxy.setMode('forward');
  await until(() => received().length === 1000);
});

it('resets, ends and refuses connections', async () => {
  const first = await client();
  await until(() => proxy.open === 1);
  proxy.cut();
  await until(() => first.ending() === 'ECONNRESET');
  const second = await client();
  await until(() => proxy.open === 1);
  proxy.cut('end');
  await until(() => second.ending() === 'end');
  proxy.setMode('refuse');
  const third = await client().catch(() => null);
  await until(() => third === null || third.ending() === 'ECONNRESET' || third.socket.destroyed);
});

it('cuts after so many bytes', async () => {
  const { socket, received, ending } = await client();
  proxy.cutAfterBytes = 3000;
  for (let count = 0; count < 10 && ending() === null; count++) {
    socket.write('x'.repeat(1000));
    await sleep(20);
  }
  // A reset right behind data reaches a Node socket as an end (libuv reads POLLHUP after a short read as one).
  await until(() => ending() !== null);
  expect(received().length).toBeLessThan(10_000);
});

it('limits the bandwidth', async () => {
  const { socket, received } = await client();
  proxy.bandwidth = 10_000;
  const startedAt = performance.now();
  socket.write('x'.repeat(3000));
  await until(() => received().length === 3000);
  expect(performance.now() - startedAt).toBeGreaterThan(250);
});

it('holds back a text and what comes behind it, and keeps the connection', async () => {
  const [one, other] = [await client(), await client()];
  proxy.holdText = 'the end';
  one.socket.write('before');
  await until(() => one.received() === 'before');
  one.socket.write(' the ');
  await until(() => one.received() === 'before the ');
  for (const piece of ['end', 'behind']) one.socket.write(piece);
  other.socket.write('hello');
  await until(() => other.received() === 'hello');
  proxy.setMode('freeze');
  proxy.setMode('forward');
  await sleep(50);
  expect([one.received(), one.ending()]).toEqual(['before the ', null]);
  expect(proxy.bytesDown).toBe('before the hello'.length);
});

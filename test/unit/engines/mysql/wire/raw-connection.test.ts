import { describe, expect, it } from 'vitest';
import { END_OF_FILE, FakeServer, packet, rawOn } from './fake-server.ts';

const failure = Buffer.concat([Buffer.from([0xff, 0x7a, 0x04]), Buffer.from("#42S02Table 'shop.t' doesn't exist")]);

const column = [3, 0x64, 0x65, 0x66]; // what a column is does not matter to the reader
const twoRows = Buffer.concat([
  packet(1, [2]),
  packet(2, column),
  packet(3, column),
  packet(4, END_OF_FILE),
  packet(5, [1, 0x61, 0xfb]),
  packet(6, [0, 2, 0x62, 0x63]),
  packet(7, END_OF_FILE),
]);

describe('RawConnection', () => {
  it('asks and gives rows, one query after the other', async () => {
    const server = new FakeServer([twoRows, packet(1, [0, 0, 0, 2, 0, 0, 0]), twoRows]);
    const raw = rawOn(server);
    const rows = [
      ['a', null],
      ['', 'bc'],
    ];
    expect(await raw.query('SELECT 1')).toEqual(rows);
    expect(await raw.query('SET x = 1')).toEqual([]);
    expect(await raw.query('SELECT ü')).toEqual(rows);
    expect(server.commands[0]).toEqual(packet(0, Buffer.from('\x03SELECT 1')));
    expect(server.commands[2]).toEqual(packet(0, Buffer.from('\x03SELECT ü')));
  });

  it('leaves room for query attributes where they were agreed on', async () => {
    const server = new FakeServer([twoRows]);
    await rawOn(server, true).query('SELECT 1');
    expect(server.commands[0]).toEqual(packet(0, Buffer.from('\x03\0\x01SELECT 1')));
  });

  it('throws what the server reports, at once or between rows, and can be asked again', async () => {
    const late = Buffer.concat([
      packet(1, [1]),
      packet(2, column),
      packet(3, END_OF_FILE),
      packet(4, [1, 0x61]),
      packet(5, failure),
    ]);
    const raw = rawOn(new FakeServer([packet(1, failure), late, twoRows]));
    const expected = { code: 'TABLE_MISSING', detail: expect.stringContaining("Reading shop.t: Table 'shop.t' doesn't exist") };
    await expect(raw.query('SELECT 1')).rejects.toMatchObject(expected);
    await expect(raw.query('SELECT 2')).rejects.toMatchObject(expected);
    expect(await raw.query('SELECT 3')).toHaveLength(2);
  });

  it('takes a row that begins like the end for a row', async () => {
    const value = Buffer.alloc(0x100_0000, 0x41);
    const long = Buffer.concat([Buffer.from([0xfe, 0, 0, 0, 1, 0, 0, 0, 0]), value]);
    const parts = [packet(4, long.subarray(0, 0xff_ffff)), packet(5, long.subarray(0xff_ffff))];
    const answer = Buffer.concat([packet(1, [1]), packet(2, column), packet(3, END_OF_FILE), ...parts, packet(6, END_OF_FILE)]);
    const rows = await rawOn(new FakeServer([answer])).query('SELECT 1');
    expect(rows).toHaveLength(1);
    expect(rows[0]?.[0]?.length).toBe(0x100_0000);
  });

  it('refuses to send a file', async () => {
    await expect(rawOn(new FakeServer([packet(1, [0xfb, 0x2f])])).query('SELECT 1')).rejects.toMatchObject({
      code: 'VALUE_UNREADABLE',
    });
  });

  it('gives the packets of a dump until it ends, or fails', async () => {
    const events = Buffer.concat([packet(1, [0, 1, 2]), packet(2, [0, 3]), packet(3, END_OF_FILE)]);
    const raw = rawOn(new FakeServer([events, Buffer.concat([packet(1, [0, 1]), packet(2, failure)])]));
    const dump = async (): Promise<number[][]> => {
      raw.beginDump(Buffer.from([0x12]));
      const found: number[][] = [];
      while (!raw.done) {
        while (raw.nextPacket()) found.push([...raw.bytes.subarray(raw.start, raw.end)]);
        if (!raw.done) await raw.fill(1_000);
      }
      return found;
    };
    expect(await dump()).toEqual([
      [0, 1, 2],
      [0, 3],
    ]);
    await expect(dump()).rejects.toMatchObject({ code: 'TABLE_MISSING' });
  });

  it('ends a wait when the run is stopped, when nothing comes, and when the server goes', async () => {
    const stop = new AbortController();
    const stopped = rawOn(new FakeServer([]), false, stop.signal).query('SELECT SLEEP(100)');
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'STOPPED' });

    const quiet = rawOn(new FakeServer([]));
    quiet.beginDump(Buffer.from([0x12]));
    await expect(quiet.fill(20)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });

    const server = new FakeServer([]);
    const gone = rawOn(server).query('SELECT 1');
    server.push(null);
    await expect(gone).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  it('says goodbye when idle, and hangs up when not', async () => {
    const idle = new FakeServer([]);
    rawOn(idle).close();
    expect(idle.commands).toEqual([packet(0, [1])]);
    const busy = new FakeServer([]);
    const raw = rawOn(busy);
    raw.beginDump(Buffer.from([0x12]));
    raw.close();
    expect(busy.destroyed).toBe(true);
    expect(busy.commands).toHaveLength(1);
  });
});

import { describe, expect, it } from 'vitest';
import { gtidsAt } from '../../../../src/engines/mysql/replication/gtids-at.ts';
import type { ServerFacts } from '../../../../src/engines/mysql/server.ts';
import type { Query } from '../../../../src/engines/mysql/sql.ts';

/** A log that ends at `end`; counts how often it was read to say its GTIDs. */
function log(end: string) {
  const state = { end, list: end as string | null, reads: 0 };
  const query: Query = {
    rows: <Row extends object>(sql: string): Promise<readonly Row[]> => {
      const scan = sql.includes('BINLOG_GTID_POS');
      if (scan) state.reads += 1;
      return Promise.resolve([{ list: scan ? state.list : state.end } as unknown as Row]);
    },
  };
  return { state, query, server: {} as ServerFacts };
}

describe('the GTIDs at a place of the log', () => {
  it('are asked for once, as long as the log stands still', async () => {
    const { state, query, server } = log('0-1-7');
    const place = { file: 'binlog.000001', pos: 400 };
    expect(await gtidsAt(query, server, place)).toBe('0-1-7');
    expect(await gtidsAt(query, server, { ...place })).toBe('0-1-7');
    expect(state.reads).toBe(1);
    await gtidsAt(query, server, { ...place, pos: 401 });
    await gtidsAt(query, server, { ...place, file: 'binlog.000002', pos: 401 });
    expect(state.reads).toBe(3);
  });

  it('are asked for again when the log has grown or was begun anew', async () => {
    const { state, query, server } = log('0-1-7');
    const place = { file: 'binlog.000001', pos: 400 };
    await gtidsAt(query, server, place);
    Object.assign(state, { end: '', list: '0-2-1' });
    expect(await gtidsAt(query, server, place)).toBe('0-2-1');
    expect(state.reads).toBe(2);
  });

  it('are those of one connection alone', async () => {
    const { state, query, server } = log('0-1-7');
    const place = { file: 'binlog.000001', pos: 400 };
    await gtidsAt(query, server, place);
    await gtidsAt(query, {} as ServerFacts, place);
    expect(state.reads).toBe(2);
  });

  it('end the read when the server does not say them', async () => {
    const { state, query, server } = log('0-1-7');
    state.list = null;
    await expect(gtidsAt(query, server, { file: 'binlog.000001', pos: 5 })).rejects.toThrow(/GTIDs of binlog.000001:5/);
  });
});

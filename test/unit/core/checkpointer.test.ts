import { describe, expect, it } from 'vitest';
import type { EpochMillis, JsonObject, Position, ShardId } from '../../../src/contract/ids.ts';
import { StreamCounter } from '../../../src/contract/record-template.ts';
import { Checkpointer } from '../../../src/core/checkpointer.ts';
import { Output } from '../../../src/core/output.ts';

const SHARD = 'main' as ShardId;
const FREE = 8 * 1024 * 1024;

/** Plays a shard whose state takes so many bytes, with so many bytes of records between two transactions. */
class Play {
  now = 0;
  states = 0;
  stateBytes = 0;
  readonly output = new Output(() => Promise.resolve());
  readonly #state: Checkpointer;
  readonly #padding: string;
  #transactions = 0;

  constructor(stateBytes: number, intervalSeconds: number) {
    this.#padding = 'x'.repeat(stateBytes);
    this.#state = new Checkpointer({
      ...{ engine: 'toy', form: 'global', intervalMillis: intervalSeconds * 1000, job: null },
      now: () => this.now as EpochMillis,
    });
    this.#state.add({ namespace: '', name: 'table' }, true, new StreamCounter());
  }

  async commit(recordBytes: number): Promise<void> {
    this.output.out.raw(Buffer.alloc(recordBytes, 0x20));
    const position = { at: ++this.#transactions, padding: this.#padding } as JsonObject as Position;
    this.#state.moveTo(SHARD, position, this.#transactions);
    if (this.#state.due(this.output)) this.write();
    if (this.output.full) await this.output.drain();
  }

  write(): void {
    const before = this.output.printed;
    this.#state.write(this.output);
    this.states++;
    this.stateBytes += this.output.printed - before;
  }
}

describe('how often a STATE is written', () => {
  it('is at every safe place where the interval is 0 and states are small beside what is printed', async () => {
    const play = new Play(100, 0);
    for (let n = 0; n < 1000; n++) await play.commit(5000);
    expect(play.states).toBe(1000);
  });

  it('is never so often that states take more than a tenth of what is printed, whatever the interval', async () => {
    const play = new Play(85_000, 0);
    for (let n = 0; n < 100_000; n++) {
      play.now += 1;
      await play.commit(2000);
    }
    expect(play.stateBytes).toBeLessThan(FREE + play.output.printed / 10 + 90_000);
    // And not much less often either.
    expect(play.stateBytes).toBeGreaterThan(play.output.printed / 10);
  });

  it('is once a minute at least where next to nothing is printed', async () => {
    const play = new Play(85_000, 0);
    for (let n = 0; n < 1000; n++) {
      play.now += 1000;
      await play.commit(1);
    }
    const free = FREE / 85_000;
    expect(play.states).toBeGreaterThanOrEqual(Math.floor(1000 / 60));
    expect(play.states).toBeLessThan(1000 / 60 + 1.2 * free + 5);
  });

  it('is no more often than the interval says', async () => {
    const play = new Play(100, 90);
    for (let n = 0; n < 1000; n++) {
      play.now += 1000;
      await play.commit(5000);
    }
    expect(play.states).toBe(11);
  });

  it('has no say where the core writes one: the last STATE of a read comes always', async () => {
    const play = new Play(85_000, 0);
    for (let n = 0; n < 100; n++) await play.commit(1);
    const before = play.states;
    play.write();
    expect(play.states).toBe(before + 1);
  });
});

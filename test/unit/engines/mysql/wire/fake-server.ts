import { Duplex } from 'node:stream';
import { RawConnection } from '../../../../../src/engines/mysql/wire/raw-connection.ts';

export const packet = (sequence: number, payload: Buffer | readonly number[]): Buffer => {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence;
  return Buffer.concat([header, Buffer.from(payload)]);
};
export const END_OF_FILE = [0xfe, 0, 0, 2, 0];

/** A socket whose other side answers each command with what it is given. */
export class FakeServer extends Duplex {
  readonly commands: Buffer[] = [];
  readonly #answers: Buffer[];

  constructor(answers: readonly Buffer[]) {
    super();
    this.#answers = [...answers];
  }
  override _read(): void {}
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.commands.push(chunk);
    const answer = this.#answers.shift();
    if (answer !== undefined) this.push(answer);
    done();
  }
}

export const rawOn = (stream: FakeServer, queryAttributes = false, signal = new AbortController().signal): RawConnection =>
  new RawConnection({ stream, queryAttributes, threadId: 1 }, 'Reading shop.t', signal);

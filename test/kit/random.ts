/**
 * Numbers that look random and are the same for the same seed (mulberry32): 2^32 seeds, good enough to choose by, not
 * for anything else.
 */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** Like `between`, but each order of magnitude is as likely as another; `from` ≥ 1. */
  magnitude(from: number, to: number): number {
    return Math.min(to, Math.floor(from * ((to + 1) / from) ** this.next()));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    const found = from[this.between(0, from.length - 1)];
    if (found === undefined && from.length === 0) throw new Error('nothing to pick from');
    return found as T;
  }

  /** Text with all that is awkward in it. Long text is put together from pieces, which is a good deal faster. */
  text(length: number): string {
    let text = '';
    if (length > 100) while (text.length < length) text += pieces[Math.floor(this.next() * pieces.length)];
    else for (let count = 0; count < length; count++) text += letters[Math.floor(this.next() * letters.length)];
    return text;
  }

  /** An independent source for a part of the work, so that parts do not shift each other's numbers. */
  fork(label: string): Random {
    let hash = this.seed ^ 0x9e3779b9;
    for (const character of label) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
    return new Random(hash);
  }
}

const letters = [...'abcdefghijklmnopqrstuvwxyz ABCDEFGHIJ0123456789äß€𝄞"\\\n\t\'{},'];
/** More than a compression window of the usual kind holds, so that long text stays long. */
const pieces = Array.from({ length: 1024 }, (_, index) => new Random(index).text(12));

/** The seed of a run: TRIBUTARY_SEED to replay one, else a new one. Tests print it when they fail. */
export const seedOfRun = (): number => {
  const named = process.env['TRIBUTARY_SEED'];
  return named === undefined ? Math.floor(Math.random() * 4_294_967_296) : Number(named) >>> 0;
};

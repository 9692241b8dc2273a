import type { Random } from './random.ts';

/** Bytes that mean something to the decoders. */
const TELLING = [...Buffer.from('BCORYIUDTMNKutbdnfi\t\n\\'), 0, 1, 2, 0x7f, 0x80, 0xff];

const lengthNear = (random: Random, left: number): number => {
  const values = [0, 1, -1, left, left - 1, left + 1, 0x7fff_ffff, -0x8000_0000, 0x0100_0000, 1600, 1601, 0xffff];
  return random.pick(values);
};

const cut = (random: Random, bytes: Buffer): Buffer => bytes.subarray(0, random.below(bytes.length));

const once = (random: Random, bytes: Buffer, other: Buffer): Buffer => {
  if (bytes.length === 0) return Buffer.from(other);
  const at = random.below(bytes.length);
  switch (random.below(10)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    case 1:
      bytes[at] = random.pick(TELLING);
      return bytes;
    case 2:
      return cut(random, bytes);
    case 3: // splice
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    case 4: // a length or an id of four bytes
      if (bytes.length >= 4) bytes.writeInt32BE(lengthNear(random, bytes.length - at) | 0, Math.min(at, bytes.length - 4));
      return bytes;
    case 5: // a count of two bytes
      if (bytes.length >= 2) bytes.writeUInt16BE(lengthNear(random, bytes.length - at) & 0xffff, Math.min(at, bytes.length - 2));
      return bytes;
    case 6: // a piece is missing
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))]);
    case 7: // a piece stands twice
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(at + 1))]);
    case 8: // something behind the end
      return Buffer.concat([bytes, other.subarray(0, 1 + random.below(8))]);
    default: // a length that is off by a little, the way a truncated field looks
      bytes[at] = ((bytes[at] ?? 0) + (random.below(2) === 0 ? 1 : 255)) & 0xff;
      return bytes;
  }
};

/** A copy of `bytes` with one to three changes, some of them taken from `other`. */
export const mutate = (random: Random, bytes: Buffer, other: Buffer): Buffer => {
  let mutated = Buffer.from(bytes);
  for (let left = 1 + random.below(3); left > 0; left--) mutated = Buffer.from(once(random, mutated, other));
  return mutated;
};

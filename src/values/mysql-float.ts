import { numberEnd } from '../bytes/json-scan.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import type { Verdict } from './value-writer.ts';
import { NULLED, SAID } from './value-writer.ts';

/**
 * FLOAT and DOUBLE as the fewest digits that read back as the same number, in the form in which the server prints a DOUBLE
 * (`my_gcvt` in `strings/dtoa.cc`): `0.1`, `100000000000000`, `1e15`, `1.5e-17`.
 */

const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const DOT = 0x2e;
const LOWER_E = 0x65;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
/** The server writes an exponent beyond so many digits in front of the point, or zeros behind it. */
const MAX_PLAIN_EXPONENT = 15;
/** Powers of ten that a double holds exactly. */
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const MAX_EXACT_POWER = 22;
/** Any decimal of so many digits is found again in a double, so it is the only one that short. The same for floats. */
const DOUBLE_DIGITS = 15;
const FLOAT_DIGITS = 6;
const MAX_FLOAT_DIGITS = 9;
/** Below it floats have fewer digits than that. */
const MIN_NORMAL_FLOAT = 2 ** -126;
/** A sign, 17 digits, a point, 14 zeros, an exponent. */
const MAX_BYTES = 48;

const scratch = new DataView(new ArrayBuffer(8));
const decimals = new Uint8Array(24);

/** Writes a JSON number; null, and NULLED, for what is no number. */
export function writeDouble(out: JsonWriter, value: number): Verdict {
  if (!Number.isFinite(value)) return nulled(out);
  const size = Math.abs(value);
  if (size === 0 || !shortDouble(out, value, size)) general(out, value);
  return SAID;
}

/** Writes a number of 32 bits. */
export function writeFloat(out: JsonWriter, value: number): Verdict {
  if (!Number.isFinite(value)) return nulled(out);
  const size = Math.abs(value);
  if (size === 0) {
    general(out, value);
    return SAID;
  }
  // Most have few digits behind the point. So few are never so near to the middle between two floats that a double errs.
  const thousandths = Math.round(size * 1e3);
  if (thousandths < 1e6 && Math.fround(thousandths / 1e3) === size) return put(out, value, thousandths, -3);
  // The exponent of the first digit, or one too large.
  const exponent = Math.ceil(Math.log10(size));
  const least = size < MIN_NORMAL_FLOAT ? 1 : FLOAT_DIGITS;
  for (let digits = least; digits <= MAX_FLOAT_DIGITS; digits++) {
    const power = exponent - digits;
    const nearest = Math.round(scale(size, -power));
    if (readsBack(nearest, power, size)) return put(out, value, nearest, power);
    // Below a power of two the neighbour is nearer than above it: the second-best decimal may be the only one inside.
    const other = nearest + (scale(nearest, power) < size ? 1 : -1);
    if (readsBack(other, power, size)) return put(out, value, other, power);
  }
  general(out, value);
  return SAID;
}

/** The DOUBLE of a row image: eight bytes, least significant first. */
export function writeDoubleBinary(out: JsonWriter, source: Uint8Array, start: number): Verdict {
  for (let i = 0; i < 8; i++) scratch.setUint8(i, source[start + i] ?? 0);
  return writeDouble(out, scratch.getFloat64(0, true));
}

/** The FLOAT of a row image: four bytes, least significant first. Also an item of a VECTOR. */
export function writeFloatBinary(out: JsonWriter, source: Uint8Array, start: number): Verdict {
  for (let i = 0; i < 4; i++) scratch.setUint8(i, source[start + i] ?? 0);
  return writeFloat(out, scratch.getFloat32(0, true));
}

/** A VECTOR, floats of four bytes one behind the other, as an array of numbers. */
export function writeVector(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if ((end - start) % 4 !== 0) return nulled(out);
  let verdict: Verdict = SAID;
  out.byte(OPEN_BRACKET);
  for (let at = start; at < end; at += 4) {
    if (at > start) out.byte(COMMA);
    if (writeFloatBinary(out, source, at) !== SAID) verdict = NULLED;
  }
  out.byte(CLOSE_BRACKET);
  return verdict;
}

/** A DOUBLE as the server prints it. */
export function writeDoubleText(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (start === end || numberEnd(source, start, end) !== end) return nulled(out);
  out.digits(source, start, end);
  return SAID;
}

/**
 * A FLOAT as the server prints it where it is selected as a DOUBLE (`col * 1e0`): all digits of the 32 bits. As a FLOAT
 * the server prints six digits at most, which are then all there is.
 */
export function writeFloatText(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (start === end || numberEnd(source, start, end) !== end) return nulled(out);
  return writeFloat(out, Math.fround(parse(source, start, end)));
}

/** A JSON number to within a few units in the last place of a double: enough where a float is what was printed. */
function parse(source: Uint8Array, start: number, end: number): number {
  let mantissa = 0;
  let power = 0;
  let i = source[start] === MINUS ? start + 1 : start;
  let behindPoint = false;
  for (; i < end; i++) {
    const byte = source[i] ?? 0;
    if (byte === DOT) {
      behindPoint = true;
    } else if (byte >= ZERO && byte <= NINE) {
      // Digits beyond what a double holds count for nothing but their place.
      if (mantissa < 1e15) {
        mantissa = mantissa * 10 + byte - ZERO;
        if (behindPoint) power--;
      } else if (!behindPoint) {
        power++;
      }
    } else {
      break;
    }
  }
  if (i < end) {
    let exponent = 0;
    const negative = source[i + 1] === MINUS;
    for (i++; i < end; i++) {
      const byte = source[i] ?? 0;
      if (byte >= ZERO && byte <= NINE && exponent < 10_000) exponent = exponent * 10 + byte - ZERO;
    }
    power += negative ? -exponent : exponent;
  }
  const size = scale(mantissa, power);
  return source[start] === MINUS ? -size : size;
}

/** value × 10^power; one rounding for the first 22 powers, a few for more. */
function scale(value: number, power: number): number {
  let result = value;
  let rest = power;
  for (; rest > MAX_EXACT_POWER && result !== 0 && result !== Number.POSITIVE_INFINITY; rest -= MAX_EXACT_POWER) result *= 1e22;
  for (; rest < -MAX_EXACT_POWER && result !== 0; rest += MAX_EXACT_POWER) result /= 1e22;
  return rest >= 0 ? result * (POWERS[rest] ?? 1) : result / (POWERS[-rest] ?? 1);
}

/** Writes a double that has at most 15 digits and a middling size; false where it is another. */
function shortDouble(out: JsonWriter, value: number, size: number): boolean {
  if (size < 1e-6 || size >= 1e22) return false;
  // Most have few digits behind the point.
  const thousandths = Math.round(size * 1e3);
  if (thousandths < 1e15 && thousandths / 1e3 === size) {
    put(out, value, thousandths, -3);
    return true;
  }
  const power = Math.ceil(Math.log10(size)) - DOUBLE_DIGITS;
  const digits = Math.round(scale(size, -power));
  // Both operands are exact, so the one rounding of `scale` is that of reading the digits.
  if (digits > 1e15 || scale(digits, power) !== size) return false;
  put(out, value, digits, power);
  return true;
}

/** Whether digits × 10^power is read as the float `value`, which is positive. */
function readsBack(digits: number, power: number, value: number): boolean {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  scratch.setUint32(0, bits - 1);
  const below = (value + scratch.getFloat32(0)) / 2; // exact: 25 bits
  scratch.setUint32(0, bits + 1);
  const next = scratch.getFloat32(0);
  const above = next === Number.POSITIVE_INFINITY ? value + (value - below) : (value + next) / 2;
  const approximate = scale(digits, power);
  const doubt = approximate * 1e-15;
  if (approximate > below + doubt && approximate < above - doubt) return true;
  if (approximate < below - doubt || approximate > above + doubt) return false;
  const even = (bits & 1) === 0;
  return even
    ? compare(digits, power, below) >= 0 && compare(digits, power, above) <= 0
    : compare(digits, power, below) > 0 && compare(digits, power, above) < 0;
}

/** The sign of digits × 10^power − value, exactly. Almost never needed, so BigInt may do it. */
function compare(digits: number, power: number, value: number): number {
  let binary = 0;
  let whole = value;
  while (!Number.isInteger(whole)) {
    whole *= 2;
    binary++;
  }
  const left = BigInt(digits) * 10n ** BigInt(Math.max(power, 0)) * 2n ** BigInt(binary);
  const right = BigInt(whole) * 10n ** BigInt(Math.max(-power, 0));
  return left === right ? 0 : left < right ? -1 : 1;
}

/** Writes ±digits × 10^power, digits being a positive integer below 2^53, in the server's form. */
function put(out: JsonWriter, value: number, digits: number, power: number): Verdict {
  let rest = digits;
  let exponent = power;
  let from = decimals.length;
  while (rest > 0) {
    const tenth = Math.floor(rest / 10);
    const digit = rest - tenth * 10;
    if (digit === 0 && from === decimals.length) exponent++;
    else decimals[--from] = ZERO + digit;
    rest = tenth;
  }
  form(out, value < 0, from, decimals.length, exponent);
  return SAID;
}

/** Any double, by way of a string: those of 16 and 17 digits and of extreme size. */
function general(out: JsonWriter, value: number): void {
  const text = Math.abs(value).toExponential();
  const exponent = text.indexOf('e');
  let count = 0;
  for (let i = 0; i < exponent; i++) if (text.charCodeAt(i) !== DOT) decimals[count++] = text.charCodeAt(i);
  form(out, value < 0 || Object.is(value, -0), 0, count, Number(text.slice(exponent + 1)) - count + 1);
}

/** Writes ±`decimals[from, to)` × 10^power. */
function form(out: JsonWriter, negative: boolean, from: number, to: number, power: number): void {
  out.reserve(MAX_BYTES);
  const { bytes } = out;
  let at = out.length;
  const count = to - from;
  /** Digits in front of the point. */
  const point = count + power;
  if (negative) bytes[at++] = MINUS;
  if (point < 1 - MAX_PLAIN_EXPONENT || (point > MAX_PLAIN_EXPONENT && point >= count)) {
    bytes[at++] = decimals[from] ?? ZERO;
    if (count > 1) bytes[at++] = DOT;
    for (let i = from + 1; i < to; i++) bytes[at++] = decimals[i] ?? ZERO;
    bytes[at++] = LOWER_E;
    if (point < 1) bytes[at++] = MINUS;
    const exponent = Math.abs(point - 1);
    if (exponent >= 100) bytes[at++] = ZERO + Math.floor(exponent / 100);
    if (exponent >= 10) bytes[at++] = ZERO + (Math.floor(exponent / 10) % 10);
    bytes[at++] = ZERO + (exponent % 10);
  } else {
    if (point <= 0) bytes[at++] = ZERO;
    if (point <= 0) bytes[at++] = DOT;
    for (let i = point; i < 0; i++) bytes[at++] = ZERO;
    for (let i = 0; i < count; i++) {
      if (i === point && point > 0) bytes[at++] = DOT;
      bytes[at++] = decimals[from + i] ?? ZERO;
    }
    for (let i = count; i < point; i++) bytes[at++] = ZERO;
  }
  out.length = at;
}

function nulled(out: JsonWriter): Verdict {
  out.null();
  return NULLED;
}

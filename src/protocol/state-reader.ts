import { ConnectorError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/ids.ts';
import { pointer } from './issues.ts';

/** A place in the JSON of a state, which it names in its errors. Null and missing are the same: stores add null siblings. */
export class StateReader {
  readonly #value: unknown;
  readonly #path: readonly PropertyKey[];
  readonly #engine: string;

  constructor(value: unknown, path: readonly PropertyKey[], engine: string) {
    this.#value = value;
    this.#path = path;
    this.#engine = engine;
  }

  get isArray(): boolean {
    return Array.isArray(this.#value);
  }

  /** Missing, null, or an empty object or array: the ways in which a platform says that there is no state. */
  get absent(): boolean {
    const value = this.#value;
    return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);
  }

  value(key: string): unknown {
    const own = isObject(this.#value) && Object.hasOwn(this.#value, key);
    return own ? (this.#value as Readonly<Record<string, unknown>>)[key] : undefined;
  }

  child(key: string): StateReader {
    return new StateReader(this.value(key), [...this.#path, key], this.#engine);
  }

  items(): readonly StateReader[] {
    if (!Array.isArray(this.#value)) throw this.#expected('an array');
    return (this.#value as readonly unknown[]).map((item, index) => new StateReader(item, [...this.#path, index], this.#engine));
  }

  array(key: string): readonly StateReader[] {
    return this.child(key).items();
  }

  object(key: string): StateReader {
    const child = this.child(key);
    if (!isObject(child.#value)) throw child.#expected('an object');
    return child;
  }

  entries(): readonly (readonly [string, StateReader])[] {
    return isObject(this.#value) ? Object.keys(this.#value).map(key => [key, this.child(key)] as const) : [];
  }

  string(key: string): string {
    const value = this.value(key);
    if (typeof value !== 'string') throw this.child(key).#expected('a string');
    return value;
  }

  optionalString(key: string): string | null {
    return this.value(key) == null ? null : this.string(key);
  }

  /** A whole number from 0 to 2^53 - 1. */
  count(key: string): number {
    const value = this.value(key);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw this.child(key).#expected('a whole number');
    return value;
  }

  jsonObject(key: string): JsonObject {
    return this.object(key).#value as JsonObject;
  }

  optionalJsonObject(key: string): JsonObject | null {
    return this.value(key) == null ? null : this.jsonObject(key);
  }

  expectVersion(known: number): void {
    const version = this.value('version');
    if (version === known) return;
    if (typeof version === 'number' && Number.isInteger(version) && version > known) {
      const problem = `the state has version ${version}, written by a newer release; this one reads up to version ${known}`;
      throw this.child('version').fail(`${problem}. Use that release, or clear the state to start over`);
    }
    throw this.foreign();
  }

  expectEngine(): void {
    const engine = this.value('engine');
    if (engine === this.#engine) return;
    if (typeof engine !== 'string') throw this.child('engine').#expected('the name of the engine');
    throw this.child('engine').fail(`the state was written by the engine ${engine}, but the configuration says ${this.#engine}`);
  }

  foreign(): ConnectorError {
    return this.fail('this is not a state that this connector wrote');
  }

  fail(problem: string): ConnectorError {
    const where = pointer(this.#path);
    return new ConnectorError('STATE_INVALID', where === '' ? `${problem}.` : `at ${where}: ${problem}.`);
  }

  #expected(what: string): ConnectorError {
    const value = this.#value;
    const found =
      value == null ? 'found nothing' : `found ${Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`}`;
    return this.fail(`expected ${what}, ${found}`);
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

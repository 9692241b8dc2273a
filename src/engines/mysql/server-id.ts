import { randomInt } from 'node:crypto';

/**
 * A number to read the log under. Readers with one number push each other out; half of all numbers are beyond those that
 * people give to their servers.
 */
export const randomServerId = (): number => randomInt(2 ** 31, 2 ** 32 - 1);

import { serveServers } from './servers/shared.ts';

/** Called by vitest once before and once after all server tests. Nothing starts until a test asks for it. */
export const setup = async (): Promise<() => Promise<void>> => serveServers();

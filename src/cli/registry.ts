import type { Engine } from '../contract/engine.ts';

export type EngineLoader = () => Promise<Engine>;
export type Engines = Readonly<Record<string, EngineLoader>>;

/** The one list of engines, by the value of `source.engine`. Each loads, with its driver, only when it is asked for. */
export const ENGINES: Engines = {
  postgres: async () => (await import('../engines/postgres/index.ts')).postgres,
  mysql: async () => (await import('../engines/mysql/index.ts')).mysql,
};

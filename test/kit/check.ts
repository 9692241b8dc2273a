import type { EngineContext, Problem, Session } from '../../src/contract/engine.ts';
import { engineContext } from './engine-context.ts';

/** What a check found, and what it logged. */
export interface Checked {
  readonly problems: readonly Problem[];
  readonly lines: readonly string[];
}

export const checkOf = async (open: (context: EngineContext) => Promise<Session>): Promise<Checked> => {
  const { context, lines } = engineContext();
  const session = await open(context);
  try {
    return { problems: await session.check(), lines };
  } finally {
    await session[Symbol.asyncDispose]();
  }
};

export const codes = ({ problems }: Checked): readonly string[] => problems.map(problem => problem.code);
export const text = ({ problems }: Checked): string => problems.map(problem => problem.detail).join('\n');

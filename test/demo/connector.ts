import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repository } from '../kit/paths.ts';

/** A message as it stands on a line of stdout. */
export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** The name under which a person would call it, relative to the repository. */
export const EXECUTABLE = 'bin/source-tributary';

/** Calls the executable as a platform would: files in, lines out. Its stderr is ours, so live progress is seen. */
export class Connector {
  readonly #folder: string;
  #running: ChildProcess | null = null;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<Connector> {
    return new Connector(await mkdtemp(join(tmpdir(), 'tributary-demo-')));
  }

  /** Hands each message, and the line it stands on, to `onMessage` as it comes. Throws when the command fails, with what it said. */
  async run(
    command: string,
    files: Readonly<Record<string, unknown>>,
    onMessage: (message: Message, line: string) => void,
  ): Promise<void> {
    const args = [command];
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.#folder, `${name}.json`);
      await writeFile(path, JSON.stringify(content), { mode: 0o600 });
      args.push(`--${name}`, path);
    }
    const child = spawn(join(repository, EXECUTABLE), args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#running = child;
    const ended = new Promise<string | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code === 0 ? null : `ended with ${signal ?? `exit code ${code}`}`));
    });
    let problem = '';
    const reading = (async () => {
      for await (const line of createInterface({ input: child.stdout })) {
        const message = JSON.parse(line) as Message;
        if (message.type === 'TRACE') problem = errorOf(message) ?? problem;
        onMessage(message, line);
      }
    })();
    const failure = await ended;
    this.#running = null;
    if (failure !== null) throw new Error(`${command} ${failure}${problem === '' ? '' : `: ${problem}`}`);
    await reading;
  }

  /** Ends the command under way, if there is one. */
  stop(): void {
    this.#running?.kill('SIGTERM');
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function errorOf(message: Message): string | undefined {
  const trace = message['trace'] as { readonly error?: { readonly message?: string } } | undefined;
  return trace?.error?.message;
}

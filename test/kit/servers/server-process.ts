import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { type Account, sleep, watchOver } from './process.ts';

export interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly account: Account | null;
  readonly cwd: string;
  readonly logFile: string;
  /** Removed when this process is gone, with the server ended before. */
  readonly folder: string;
}

/** The process of one server, which may be started again after its end. Should our process die, it dies with it. */
export class ServerProcess {
  readonly #command: ServerCommand;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #callOff: () => void = () => {};

  constructor(command: ServerCommand) {
    this.#command = command;
  }

  /** Undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** True as soon as `ready` says so of the new process; false, and no process, when it ended or took longer than `millis`. */
  async start(ready: (pid: number | undefined) => Promise<boolean>, millis: number): Promise<boolean> {
    const { file, args, account, cwd, logFile, folder } = this.#command;
    const log = openSync(logFile, 'a');
    const child = spawn(file, args, {
      ...account,
      cwd,
      stdio: ['ignore', log, log],
      // Out of the terminal's process group: Ctrl-C is the watchdog's business, not the server's.
      detached: true,
    });
    closeSync(log);
    let over = false;
    this.#ended = new Promise<void>(resolve => {
      child.once('error', () => resolve());
      child.once('exit', () => resolve());
    }).then(() => {
      over = true;
    });
    child.unref();
    for (let waited = 0; !over && waited < millis; waited += 10) {
      if (await ready(child.pid)) {
        this.#child = child;
        this.#callOff = watchOver(child.pid ?? 0, folder);
        return true;
      }
      await sleep(10);
    }
    if (!over) child.kill('SIGKILL');
    child.ref(); // as in `end`
    await this.#ended;
    return false;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it by this signal, and waits until it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.signal(signal);
    // Waited for, the end must keep the event loop alive: a script may have nothing else to do.
    this.#child?.ref();
    await this.#ended;
    this.#callOff();
    this.#callOff = () => {};
    this.#child = null;
  }
}

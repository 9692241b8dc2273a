import { ConnectorError } from '../contract/errors.ts';
import { encodeMessage } from '../protocol/messages.ts';
import { check, discover, newCommand, readRecords, specLine, uncaught, withGrace } from './commands.ts';
import { type Host, StdoutClosed } from './host.ts';
import { inspectState } from './inspect.ts';
import { parseArguments } from './program.ts';
import { ENGINES, type Engines } from './registry.ts';
import { asConnectorError, traceOf } from './report.ts';

/** Runs one command. Returns the exit code; throws nothing. */
export async function run(host: Host, engines: Engines = ENGINES): Promise<number> {
  const command = newCommand(host, engines);
  const work = async (): Promise<number> => {
    const invocation = parseArguments(host.args);
    switch (invocation.command) {
      case 'text':
        host.print(invocation.text);
        return 0;
      case 'spec':
        host.print(specLine(host.specification()));
        return 0;
      case 'check':
        await withGrace(check(command, invocation.config), host.signal);
        return 0;
      case 'discover':
        await withGrace(discover(command, invocation.config), host.signal);
        return 0;
      case 'inspect':
        host.print(await inspectState(invocation.state, engines, host.now()));
        return 0;
      case 'read':
        return await readRecords(command, invocation);
    }
  };
  try {
    const code = await work();
    const failure = uncaught(host.signal);
    if (failure !== undefined && code === 0) throw failure;
    return code;
  } catch (thrown) {
    return tell(thrown);
  }

  function tell(thrown: unknown): number {
    if (thrown instanceof StdoutClosed) return 0;
    const failure = host.signal.aborted ? uncaught(host.signal) : thrown;
    if (failure === undefined) return 1; // stopped by a signal, which decides how the process ends
    try {
      host.print(encodeMessage(traceOf(asConnectorError(failure), command.redact, host.now())));
    } catch (error) {
      if (error instanceof StdoutClosed) return 0;
    }
    return 1;
  }
}

/** The reason with which main.ts stops a command when the process gets a signal. */
export const stopped = (signal: string): ConnectorError => new ConnectorError('STOPPED', `${signal} was received.`);

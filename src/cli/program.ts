import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { ConnectorError } from '../contract/errors.ts';

/** What the command line asks for. The paths are as they were given. */
export type Invocation =
  | { readonly command: 'spec' }
  | { readonly command: 'check' | 'discover'; readonly config: string }
  | { readonly command: 'read'; readonly config: string; readonly catalog: string; readonly state: string | undefined }
  | { readonly command: 'inspect'; readonly state: string }
  /** `--help` or `--version`: text for a person. */
  | { readonly command: 'text'; readonly text: string };

/** `args` are the arguments after the program's name. Throws ARGUMENTS_INVALID. */
export function parseArguments(args: readonly string[]): Invocation {
  const text: string[] = [];
  let invocation: Invocation | undefined;
  const program = new Command('source-tributary')
    .description('Reads a database as an Airbyte source: snapshots and change data capture.')
    .version(packageJson.version, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: chunk => text.push(chunk),
      writeErr: () => {}, // errors become one message, below
    })
    .allowExcessArguments(false)
    .helpCommand(false);

  program
    .command('spec')
    .description('print what can be configured')
    .action(() => {
      invocation = { command: 'spec' };
    });
  for (const command of ['check', 'discover'] as const) {
    program
      .command(command)
      .description(command === 'check' ? 'try the configuration and name every problem' : 'print the tables that can be read')
      .requiredOption('--config <file>', 'configuration, as spec describes it')
      .action(({ config }: { config: string }) => {
        invocation = { command, config };
      });
  }
  program
    .command('read')
    .description('print the records, then the state to go on from')
    .requiredOption('--config <file>', 'configuration, as spec describes it')
    .requiredOption('--catalog <file>', 'configured catalog: which streams to read, and how')
    .option('--state <file>', 'state of the previous read; without it everything is read from the beginning')
    .action(({ config, catalog, state }: { config: string; catalog: string; state?: string }) => {
      invocation = { command: 'read', config, catalog, state };
    });

  program
    .command('inspect')
    .description('print a state for a person to read; connects to nothing')
    .requiredOption('--state <file>', 'state of a previous read')
    .action(({ state }: { state: string }) => {
      invocation = { command: 'inspect', state };
    });

  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { command: 'text', text: text.join('') };
    throw new ConnectorError('ARGUMENTS_INVALID', describe(error, args));
  }
  if (invocation === undefined) throw new ConnectorError('ARGUMENTS_INVALID', 'a command is missing.');
  return invocation;
}

function describe(error: CommanderError, args: readonly string[]): string {
  if (error.code === 'commander.help') return args.length === 0 ? 'a command is missing.' : 'the command is not complete.';
  const text = error.message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .trim();
  return text.endsWith('.') || text.endsWith(')') ? text : `${text}.`;
}

/** The built executable as a platform starts it: exit codes, signals, closed pipes, what stands on stdout. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../../kit/paths.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-process-'));
const main = join(folder, 'build/main.js');
const config = join(folder, 'config.json');
const catalog = join(folder, 'catalog.json');
const unknownHost = join(folder, 'unknown-host.json');
/** Accepts connections and never says a word: whoever comes, waits. */
let silent: Server;
const sockets = new Set<Socket>();

beforeAll(async () => {
  execFileSync(process.execPath, [join(repository, '.config/build.mjs'), join(folder, 'build')], { stdio: 'inherit' });
  silent = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const source = { engine: 'postgres', host: '127.0.0.1', port, database: 'shop', username: 'reader', password: 'wonderland' };
  writeFileSync(config, JSON.stringify({ source }));
  writeFileSync(unknownHost, JSON.stringify({ source: { ...source, host: 'nowhere.invalid' } }));
  writeFileSync(catalog, '{"streams":[{"stream":{"name":"orders","namespace":"public"},"sync_mode":"incremental"}]}');
}, 60_000);

afterAll(() => {
  for (const socket of sockets) socket.destroy();
  silent.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>(resolve => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })));
  return { child, ended };
}

const messagesIn = (text: string): readonly { readonly type: string }[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as { readonly type: string });

const aConnection = (): Promise<void> => new Promise(resolve => silent.once('connection', () => resolve()));
const reading = ['read', '--config', config, '--catalog', catalog];

describe('the executable', () => {
  it('prints spec.json, and nothing else', async () => {
    const { code, stdout, stderr } = await start(['spec']).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(messagesIn(stdout)).toEqual([
      { type: 'SPEC', spec: JSON.parse(readFileSync(join(repository, 'spec/spec.json'), 'utf8')) as unknown },
    ]);
  });

  it('runs through a symbolic link', async () => {
    const link = join(folder, 'link.js');
    symlinkSync(main, link);
    expect(execFileSync(process.execPath, [link, 'spec'], { encoding: 'utf8' })).toMatch(/^\{"type":"SPEC"/);
  });

  it('ends with 0 after a failed check, and with 1 after a failed discover', async () => {
    const check = await start(['check', '--config', unknownHost]).ended;
    expect(check).toMatchObject({ code: 0, stderr: '' });
    expect(messagesIn(check.stdout)).toMatchObject([{ type: 'CONNECTION_STATUS', connectionStatus: { status: 'FAILED' } }]);
    const discover = await start(['discover', '--config', unknownHost]).ended;
    expect(discover).toMatchObject({ code: 1, stderr: '' });
    expect(messagesIn(discover.stdout)).toMatchObject([
      { type: 'TRACE', trace: { type: 'ERROR', error: { failure_type: 'config_error' } } },
    ]);
  });

  it('ends with 1 for arguments that it does not know, and says so on stdout', async () => {
    const { code, stdout } = await start(['raed']).ended;
    expect(code).toBe(1);
    expect(messagesIn(stdout)).toMatchObject([
      { trace: { error: { message: expect.stringContaining('Did you mean read?') as string } } },
    ]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends as %s ends a process, without an error message', async signal => {
    const connected = aConnection();
    const { child, ended } = start(reading);
    await connected;
    child.kill(signal);
    const outcome = await ended;
    expect(outcome).toMatchObject({ code: null, signal, stderr: '' });
    expect(messagesIn(outcome.stdout).filter(({ type }) => type === 'TRACE')).toEqual([]);
  });

  it('is quiet and ends with 0 when nobody reads stdout', async () => {
    for (const args of [
      ['spec'],
      ['check', '--config', unknownHost],
      ['discover', '--config', unknownHost],
      ['read', '--config', unknownHost, '--catalog', catalog],
      ['raed'],
    ]) {
      const { child, ended } = start(args);
      child.stdout?.destroy();
      expect(await ended, args.join(' ')).toMatchObject({ code: 0, signal: null, stderr: '' });
    }
  });

  /** Code that runs inside the connector when it gets SIGUSR2. */
  const uponUsr2 = (code: string): NodeJS.ProcessEnv => ({
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(`process.on('SIGUSR2', () => { ${code} })`)}`,
  });

  it('turns an error that nobody caught into a TRACE ERROR', async () => {
    for (const boom of [
      "throw new RangeError('boom of wonderland')",
      "void Promise.reject(new RangeError('boom of wonderland'))",
    ]) {
      for (const args of [reading, ['check', '--config', config]]) {
        const connected = aConnection();
        const { child, ended } = start(args, uponUsr2(boom));
        await connected;
        child.kill('SIGUSR2');
        const { code, stdout } = await ended;
        expect(code).toBe(1);
        expect(messagesIn(stdout)).toMatchObject([{ type: 'TRACE', trace: { error: { failure_type: 'system_error' } } }]);
        expect(stdout).toContain('boom of ********');
        expect(stdout).not.toContain('wonderland');
      }
    }
  });

  it('sends what libraries print on the console to stderr', async () => {
    const connected = aConnection();
    const chatter = "console.log('chatter'); console.warn('more'); process.kill(process.pid, 'SIGTERM')";
    const { child, ended } = start(['check', '--config', config], uponUsr2(chatter));
    await connected;
    child.kill('SIGUSR2');
    expect(await ended).toMatchObject({ signal: 'SIGTERM', stdout: '', stderr: 'chatter\nmore\n' });
  });
});

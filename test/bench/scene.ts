import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtCli } from '../kit/build-cli.ts';

/** What a read is given; the state is written by whoever has one. */
export interface Files {
  readonly config: string;
  readonly catalog: string;
  readonly state: string;
}

/** A server of one's own with the table of the measurements. */
export interface Scene extends AsyncDisposable {
  /** The connector's entry point. */
  readonly cli: string;
  /** A folder that goes with the scene. */
  readonly folder: string;
  /** Makes a database with so many rows in the table, and returns its name. */
  database(name: string, rows: number): Promise<string>;
  /** Adds rows with these keys, so many in each transaction. */
  insert(database: string, from: number, to: number, perTransaction: number): Promise<void>;
  files(database: string): Files;
  /** Takes away what a first read has left on the server. */
  forget(database: string): Promise<void>;
}

export const readCommand = ({ cli }: Scene, { config, catalog }: Files): readonly [string, ...string[]] => [
  process.execPath,
  ...[cli, 'read', '--config', config, '--catalog', catalog],
];

/** What scenes have in common: the connector, a folder, and how a read gets its files. */
export class SceneFolder {
  readonly cli: string;
  readonly folder: string;

  private constructor(cli: string) {
    this.cli = cli;
    this.folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  }

  static async make(): Promise<SceneFolder> {
    return new SceneFolder(await builtCli());
  }

  /** Discovers with this configuration, and chooses these streams (all where none is named) as incremental. */
  files(name: string, config: object, only: readonly string[] = []): Files {
    const files: Files = {
      config: join(this.folder, `${name}.config.json`),
      catalog: join(this.folder, `${name}.catalog.json`),
      state: join(this.folder, `${name}.state.json`),
    };
    writeFileSync(files.config, JSON.stringify(config));
    const output = execFileSync(process.execPath, [this.cli, 'discover', '--config', files.config], { encoding: 'utf8' });
    const found = output.split('\n').find(line => line.startsWith('{"type":"CATALOG"')) ?? '';
    const { catalog } = JSON.parse(found) as { catalog: { streams: readonly { name: string }[] } };
    const streams = catalog.streams
      .filter(stream => only.length === 0 || only.includes(stream.name))
      .map(stream => ({ stream, sync_mode: 'incremental', destination_sync_mode: 'append_dedup' }));
    writeFileSync(files.catalog, JSON.stringify({ streams }));
    return files;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

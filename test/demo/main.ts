/**
 * `npm run demo [-- ENGINE]`: a server of its own with a small shop, read by our own executable; then changes, and only
 * those read. Leaves nothing behind, also on Ctrl-C.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../kit/paths.ts';
import { Connector, EXECUTABLE, type Message } from './connector.ts';
import { mariadbShop, mysqlShop } from './mysql.ts';
import { postgresShop } from './postgres.ts';
import type { Shop } from './shop.ts';
import { bold, cyan, dim, fields, green, heading, red, say } from './show.ts';

const SHOPS: Readonly<Record<string, () => Promise<Shop>>> = {
  postgres: postgresShop,
  mysql: mysqlShop,
  mariadb: mariadbShop,
};

/** Records of each stream that a read shows before it only counts. */
const SHOWN = 2;

interface Stream {
  readonly name: string;
  readonly namespace?: string;
  readonly json_schema: { readonly properties: Readonly<Record<string, JsonType>> };
  readonly supported_sync_modes: readonly string[];
  readonly source_defined_primary_key?: readonly (readonly string[])[];
}
interface JsonType {
  readonly type: string | readonly string[];
  readonly format?: string;
  readonly airbyte_type?: string;
}

class Interrupted extends Error {}

class Demo {
  readonly #connector: Connector;
  readonly #interrupted: () => boolean;

  constructor(connector: Connector, interrupted: () => boolean) {
    this.#connector = connector;
    this.#interrupted = interrupted;
  }

  async run(shop: Shop): Promise<void> {
    await this.#step('spec', 'what the connector can be told', {}, message => {
      if (message.type !== 'SPEC') return;
      const spec = message['spec'] as { readonly connectionSpecification: { readonly properties: object } };
      say(`  settings: ${Object.keys(spec.connectionSpecification.properties).join(', ')}`);
    });

    await this.#step('check', 'whether everything is in place', { config: shop.config }, message => {
      if (message.type !== 'CONNECTION_STATUS') return;
      const { status, message: detail } = message['connectionStatus'] as { readonly status: string; readonly message?: string };
      if (status !== 'SUCCEEDED') throw new Error(detail);
      say(`  ${green(status)}`);
    });

    let streams: readonly Stream[] = [];
    await this.#step('discover', 'which tables there are', { config: shop.config }, message => {
      if (message.type === 'CATALOG') streams = (message['catalog'] as { readonly streams: readonly Stream[] }).streams;
    });
    for (const stream of streams) {
      const key = (stream.source_defined_primary_key ?? []).map(path => path.join('.')).join(', ');
      say(`  ${bold(stream.name)} ${dim(`key ${key}; ${stream.supported_sync_modes.join(', ')}`)}`);
      const columns = Object.entries(stream.json_schema.properties).filter(([name]) => !name.startsWith('_ab_'));
      say(`    ${columns.map(([name, type]) => `${cyan(name)} ${typeName(type)}`).join('  ')}`);
    }

    const catalog = {
      streams: streams.map(stream => ({ stream, sync_mode: 'incremental', destination_sync_mode: 'append_dedup' })),
    };
    const state = await this.#read('everything, for there is no state yet', { config: shop.config, catalog }, SHOWN);

    heading('Meanwhile in the shop');
    for (const change of shop.changes) say(`  ${change};`);
    await shop.change();
    this.#stopIfAsked();

    await this.#read('from the state: only what changed', { config: shop.config, catalog, state }, Number.POSITIVE_INFINITY);
    for (const remark of shop.remarks) say(`  ${dim(remark)}`);
  }

  /** Returns the state to begin with next time, as a platform would pass it back. */
  async #read(purpose: string, files: Readonly<Record<string, unknown>>, shown: number): Promise<readonly unknown[]> {
    const counts = new Map<string, number>();
    let states = 0;
    let last: unknown;
    await this.#step('read', purpose, files, (message, line) => {
      if (message.type === 'STATE') {
        states++;
        last = message['state'];
      }
      if (message.type !== 'RECORD') return;
      const { stream, data } = message['record'] as { readonly stream: string; readonly data: Readonly<Record<string, unknown>> };
      const count = (counts.get(stream) ?? 0) + 1;
      counts.set(stream, count);
      if (count > shown) return;
      const deleted = data['_ab_cdc_deleted_at'] != null;
      say(`  ${deleted ? red('- delete') : green('+ row   ')} ${bold(stream)}  ${fields(data, line)}`);
    });
    const total = [...counts].map(([stream, count]) => `${stream} ${count.toLocaleString('en-US')}`);
    say(`  ${bold(`records: ${total.join(', ')}`)}; ${states === 1 ? '1 state' : `${states} states`}`);
    if (last === undefined) throw new Error('read printed no state');
    return [last];
  }

  async #step(
    command: string,
    purpose: string,
    files: Readonly<Record<string, unknown>>,
    onMessage: (message: Message, line: string) => void,
  ): Promise<void> {
    const options = Object.keys(files).map(name => ` --${name} ${name}.json`);
    heading(`${EXECUTABLE} ${command}${options.join('')}`);
    say(dim(`  ${purpose}`));
    await this.#connector.run(command, files, onMessage);
    this.#stopIfAsked();
  }

  #stopIfAsked(): void {
    if (this.#interrupted()) throw new Interrupted();
  }
}

function typeName({ type, format, airbyte_type }: JsonType): string {
  const types = [type].flat();
  const name = airbyte_type ?? format ?? types.find(each => each !== 'null') ?? '';
  return dim(types.includes('null') ? `${name}, null` : name);
}

const next = ({ config, page }: Shop): string => {
  const { source } = config as { readonly source: Readonly<Record<string, unknown>> };
  const { engine } = source;
  const where = 'database' in source ? '"database": "…"' : '"databases": ["…"]';
  return `What to try next, with a database of your own:

  bin/source-tributary spec | jq '.spec.connectionSpecification.properties | keys'

  mkdir -p ~/tributary
  echo '{"source": {"engine": "${engine}", "host": "…", ${where}, "username": "…", "password": "…"}}' > ~/tributary/config.json
  bin/source-tributary check --config ~/tributary/config.json | jq -r 'select(.connectionStatus).connectionStatus'

README.md goes on from there: discover, a catalog made with jq, read, and read again from the state.
${page} says which rights and settings the server needs.`;
};

async function main(): Promise<void> {
  const [engine = 'postgres', ...rest] = process.argv.slice(2);
  const open = Object.hasOwn(SHOPS, engine) ? SHOPS[engine] : undefined;
  if (open === undefined || rest.length > 0) {
    console.error(`usage: npm run demo [-- ENGINE]; there is no demo of ${[engine, ...rest].join(' ')}.`);
    console.error(`Engines: ${Object.keys(SHOPS).join(', ')}`);
    process.exitCode = 1;
    return;
  }
  const startedAt = performance.now();
  const connector = await Connector.create();
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted = true;
      connector.stop();
    });
  }
  // The kit's servers do not keep a process alive; their end has to be waited for nevertheless.
  const awake = setInterval(() => {}, 60_000);
  let shop: Shop | null = null;
  try {
    // npm runs this after an install, unless it was told to run no scripts.
    if (!existsSync(join(repository, '.build/main.js'))) spawnSync(process.execPath, [join(repository, '.config/build.mjs')]);
    say(`Starting a server with a small shop in it …`);
    shop = await open();
    say(`${shop.label} is ready (${seconds(startedAt)} s).`);
    if (interrupted) throw new Interrupted();
    await new Demo(connector, () => interrupted).run(shop);
    heading(`Done in ${seconds(startedAt)} s; the server is stopped and removed.`);
    say(next(shop));
  } catch (error) {
    if (!interrupted) console.error(`\n${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = interrupted ? 130 : 1;
  } finally {
    await shop?.stop();
    await connector.remove();
    clearInterval(awake);
  }
}

const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1);

await main();

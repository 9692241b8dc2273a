import { createServer, type Server } from 'node:http';
import { type MysqlFlavor, mysqlUnavailable } from './mysql-binaries.ts';
import type { MysqlAddress } from './mysql-server.ts';
import type { RowMetadata } from './mysql-shared.ts';
import { type PostgresAddress, type PostgresMajor, PostgresServer, startPostgres } from './postgres.ts';
import { fetchPostgres19, type Lacking } from './postgres-19.ts';

/**
 * One server of each kind for a whole test run, started when the first test file asks for it. Test files run in
 * processes of their own, so the run's main process keeps the servers, and the files ask it over HTTP.
 */
const variable = 'TRIBUTARY_TEST_SERVERS';

/** A kind of server: also the path by which the run's main process is asked for it. */
type Kind = `postgres/${PostgresMajor}` | `mysql/${MysqlFlavor}/${RowMetadata}`;
/** Why servers of a kind cannot be had: asked once in a run, for the answer may have to be fetched. */
type Question = Kind | `unavailable/${MysqlFlavor}` | 'lacking/postgres/19';

interface Kept {
  readonly address: PostgresAddress | MysqlAddress;
  stop(): Promise<void>;
}

const start = async (kind: Kind): Promise<Kept> => {
  const [engine, which, metadata] = kind.split('/');
  if (engine === 'postgres') {
    const server = await startPostgres({ major: Number(which) as PostgresMajor });
    const { major, host, port, username, password } = server;
    return { address: { major, host, port, username, password }, stop: () => server.stop() };
  }
  // A run that tests another engine alone does not load this one's driver.
  const { startMysql } = await import('./mysql.ts');
  return startMysql({ flavor: which as MysqlFlavor, settings: { binlog_row_metadata: metadata ?? 'FULL' } });
};

class Servers {
  readonly #running = new Map<Kind, Promise<Kept>>();
  readonly #unavailable = new Map<MysqlFlavor, Promise<string | null>>();
  #postgres19: Promise<Lacking | null> | null = null;

  async answer(question: Question): Promise<unknown> {
    if (question.startsWith('unavailable/')) {
      const flavor = question.slice('unavailable/'.length) as MysqlFlavor;
      const known = this.#unavailable.get(flavor) ?? mysqlUnavailable(flavor);
      this.#unavailable.set(flavor, known);
      return known;
    }
    if (question === 'lacking/postgres/19') {
      this.#postgres19 ??= fetchPostgres19();
      return this.#postgres19;
    }
    const kind = question as Kind;
    const running = this.#running.get(kind) ?? start(kind);
    this.#running.set(kind, running);
    return (await running).address;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map(starting => starting.then(server => server.stop()).catch(() => {})));
    this.#running.clear();
  }
}

/** For the main process of a test run: begins to answer, starts nothing yet. The returned function stops everything. */
export const serveServers = async (): Promise<() => Promise<void>> => {
  const servers = new Servers();
  const http: Server = createServer((request, response) => {
    servers.answer(request.url?.slice(1) as Question).then(
      answer => response.end(JSON.stringify(answer)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  // Fetching and starting take as long as they take; whoever waits has a time limit of its own.
  http.requestTimeout = 0;
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  process.env[variable] = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  return async () => {
    http.closeAllConnections();
    http.close();
    await servers.stop();
  };
};

let alone: Servers | null = null;

/** Asks the process that keeps the run's servers; outside of a test run they live in this process and end with it. */
export const ask = async (question: Question): Promise<unknown> => {
  const keeper = process.env[variable];
  if (keeper === undefined) {
    alone ??= new Servers();
    return alone.answer(question);
  }
  const response = await fetch(`${keeper}/${question}`);
  if (!response.ok) throw new Error(await response.text());
  return response.json();
};

/** Where a server is and who logs in there, by its URL. */
export const addressIn = (url: URL, defaultPort: number): Omit<MysqlAddress, 'flavor'> => ({
  host: url.hostname,
  port: Number(url.port || defaultPort),
  username: decodeURIComponent(url.username),
  password: decodeURIComponent(url.password),
});

/**
 * The server of this major that all tests of a run share: make a database of your own in it, drop it at the end, and
 * change no setting. With TRIBUTARY_POSTGRES_<MAJOR>_URL it is the server named there.
 */
export const acquirePostgres = async (major: PostgresMajor): Promise<PostgresServer> => {
  const own = process.env[`TRIBUTARY_POSTGRES_${major}_URL`];
  if (own !== undefined) return new PostgresServer({ major, ...addressIn(new URL(own), 5432) });
  return new PostgresServer((await ask(`postgres/${major}`)) as PostgresAddress);
};

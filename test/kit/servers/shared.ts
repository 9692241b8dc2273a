import { createServer, type Server } from 'node:http';
import { type OwnPostgresServer, type PostgresAddress, type PostgresMajor, PostgresServer, startPostgres } from './postgres.ts';

/**
 * One server of each major for a whole test run, started when the first test file asks for it. Test files run in
 * processes of their own, so the run's main process keeps the servers, and the files ask it over HTTP.
 */
const variable = 'TRIBUTARY_TEST_SERVERS';

class Servers {
  readonly #running = new Map<PostgresMajor, Promise<OwnPostgresServer>>();

  get(major: PostgresMajor): Promise<OwnPostgresServer> {
    const running = this.#running.get(major) ?? startPostgres({ major });
    this.#running.set(major, running);
    return running;
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
    const major = Number(request.url?.replace('/postgres/', '')) as PostgresMajor;
    servers.get(major).then(
      ({ host, port, username, password }) => response.end(JSON.stringify({ major, host, port, username, password })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
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

/**
 * The server of this major that all tests of a run share: make a database of your own in it, drop it at the end, and
 * change no setting. With TRIBUTARY_POSTGRES_<MAJOR>_URL it is the server named there. Outside of a test run it is
 * started in this process and ends with it.
 */
export const acquirePostgres = async (major: PostgresMajor): Promise<PostgresServer> => {
  const own = process.env[`TRIBUTARY_POSTGRES_${major}_URL`];
  if (own !== undefined) {
    const url = new URL(own);
    const port = Number(url.port || 5432);
    const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
    return new PostgresServer({ major, host: url.hostname, port, username, password });
  }
  const keeper = process.env[variable];
  if (keeper === undefined) {
    alone ??= new Servers();
    return alone.get(major);
  }
  const response = await fetch(`${keeper}/postgres/${major}`);
  if (!response.ok) throw new Error(await response.text());
  return new PostgresServer((await response.json()) as PostgresAddress);
};

import { describe, expect, it } from 'vitest';
import { JsonWriter } from '../../../src/bytes/json-writer.ts';
import type { Shard, SnapshotEvent } from '../../../src/contract/engine.ts';
import type { EpochMicros, EpochMillis, SnapshotCursor } from '../../../src/contract/ids.ts';
import { RecordTemplate, StreamCounter } from '../../../src/contract/record-template.ts';
import { RecordWriter } from '../../../src/contract/record-writer.ts';
import type { Selection } from '../../../src/contract/table.ts';
import { mysql } from '../../../src/engines/mysql/index.ts';
import { engineContext } from '../../kit/engine-context.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { engineConfig } from './engine-fixture.ts';
import { failureOf, inLab, type Lab, largeText, series, table } from './lab.ts';

type Row = Record<string, unknown>;

/** One table of one server, read by the engine alone, an event at a time: there is time for an ALTER between two of them. */
class Reading {
  readonly #shard: Shard;
  readonly #selection: Selection;
  readonly #out = new JsonWriter(1 << 16);
  cursor: SnapshotCursor | null = null;
  restarts = 0;
  rows: Row[] = [];

  private constructor(shard: Shard, selection: Selection) {
    this.#shard = shard;
    this.#selection = selection;
  }

  static async open(lab: Lab, name = 'thing', promise?: Partial<Selection>): Promise<Reading> {
    const session = await mysql.connect(engineConfig(lab.server, [lab.database.name]), engineContext().context);
    lab.later(async () => await session[Symbol.asyncDispose]());
    const [shard] = (await session.shards()) as [Shard];
    const [found] = await shard.tables([{ namespace: lab.database.name, name }]);
    if (found === undefined) throw new Error(`no table ${name}`);
    const { columns = found.columns, key = [] } = promise ?? {};
    return new Reading(shard, { table: found, columns, key });
  }

  get selection(): Selection {
    return this.#selection;
  }

  /** Reads from `cursor` on; `at` runs behind the chunk of this number, from 1, and behind it the snapshot goes on. */
  async read(at: number, action: () => Promise<unknown>, stop = false): Promise<void> {
    const records = new RecordWriter(this.#out, {
      cursorColumn: '_ab_cdc_cursor',
      originColumns: [],
      shard: null,
      limit: Number.POSITIVE_INFINITY,
      template: selection => new RecordTemplate(selection, true, new StreamCounter()),
      now: () => Date.now() as EpochMillis,
    });
    records.snapshotRows(0, 0 as EpochMicros);
    let chunks = 0;
    const { cursor } = this;
    const request = { selection: this.#selection, cursor, mode: 'followed', chunkMillis: 0 } as const;
    for await (const event of this.#shard.snapshot(request, records) as AsyncGenerator<SnapshotEvent>) {
      if (event.kind === 'restart') {
        this.restarts++;
        this.rows = [];
        this.#out.clear();
      }
      if (event.kind !== 'chunk') continue;
      this.#take();
      this.cursor = event.cursor;
      chunks++;
      if (chunks !== at) continue;
      await action();
      if (stop) return;
    }
    this.#take();
  }

  #take(): void {
    const lines = this.#out.bytes.toString('utf8', 0, this.#out.length).split('\n').slice(0, -1);
    this.rows.push(...lines.map(line => (JSON.parse(line) as { record: { data: Row } }).record.data));
    this.#out.clear();
  }

  ids(): unknown[] {
    return [...new Set(this.rows.map(row => row['id']))];
  }
}

const words = (to: number): string => `SELECT i, CONCAT(IF(i % 2, 'ä', 'b'), LPAD(i, 5, '0')), 'ü' FROM ${series(to)}`;

describeMysql(flavor => {
  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor), body);
  const all = Array.from({ length: 1000 }, (_, at) => at + 1);
  const sorted = (ids: readonly unknown[]): unknown[] => ids.toSorted((a, b) => Number(a) - Number(b));

  it.each([
    ['dropped', 'DROP PRIMARY KEY'],
    ['another one', 'DROP PRIMARY KEY, ADD PRIMARY KEY (n, id)'],
  ])('a key that is %s between two chunks ends the read: a destination would take two rows for one', (_, clause) =>
    lab(async lab => {
      await lab.sql(`CREATE TABLE thing (id int PRIMARY KEY, n int); INSERT INTO thing SELECT i, 1 FROM ${series(1000)}`);
      const reading = await Reading.open(lab, 'thing', { key: ['id'] });
      const alter = (): Promise<unknown> => lab.sql(`ALTER TABLE thing ${clause}`);
      await expect(reading.read(3, alter)).rejects.toMatchObject({ code: 'SCHEMA_CHANGED' });
      expect(reading.ids()).toEqual(all.slice(0, 300));
    })(),
  );

  it(
    'a key that is made again as a unique one is still one',
    lab(async lab => {
      await lab.sql(`CREATE TABLE thing (id int PRIMARY KEY, n int); INSERT INTO thing SELECT i, 1 FROM ${series(1000)}`);
      const reading = await Reading.open(lab, 'thing', { key: ['id'] });
      await reading.read(3, () => lab.sql('ALTER TABLE thing DROP PRIMARY KEY, ADD UNIQUE (id)'));
      expect(sorted(reading.ids())).toEqual(all);
    }),
  );

  describe.each([
    ['between two chunks', false],
    ['between a kill and the next run', true],
  ])('%s', (_, killed) => {
    /** Reads `thing`, altered behind its third chunk, whose rows are made by `create`. */
    const altered = async (lab: Lab, create: string, alter: string): Promise<Reading> => {
      await lab.sql(create);
      const first = await Reading.open(lab);
      await first.read(3, () => lab.sql(alter), killed);
      if (!killed) return first;
      const second = await Reading.open(lab, 'thing', first.selection);
      second.cursor = first.cursor;
      second.rows = first.rows;
      await second.read(0, () => Promise.resolve());
      return second;
    };

    it.each([
      [
        'another primary key',
        `CREATE TABLE thing (id int NOT NULL, n int NOT NULL, PRIMARY KEY (id), UNIQUE KEY (n)); INSERT INTO thing SELECT i, 1000 - i FROM ${series(1000)}`,
        'ALTER TABLE thing DROP PRIMARY KEY, ADD PRIMARY KEY (n)',
      ],
      [
        'the columns of the key in another order',
        `CREATE TABLE thing (id int, n int, PRIMARY KEY (id, n)); INSERT INTO thing SELECT i, 1000 - i FROM ${series(1000)}`,
        'ALTER TABLE thing DROP PRIMARY KEY, ADD PRIMARY KEY (n, id)',
      ],
      [
        'no key at all',
        `CREATE TABLE thing (id int PRIMARY KEY, n int); INSERT INTO thing SELECT i, 1 FROM ${series(1000)}`,
        'ALTER TABLE thing DROP PRIMARY KEY, MODIFY id int NULL',
      ],
      [
        'another collation of the key',
        `CREATE TABLE thing (id int, w varchar(20) COLLATE utf8mb4_bin PRIMARY KEY, t text); INSERT INTO thing (id, w, t) ${words(1000)}`,
        'ALTER TABLE thing MODIFY w varchar(20) COLLATE utf8mb4_general_ci NOT NULL',
      ],
      [
        'other labels of an enum in the key',
        `CREATE TABLE thing (id int, e enum('a','b','c') NOT NULL, PRIMARY KEY (e, id)); INSERT INTO thing SELECT i, 1 + i % 3 FROM ${series(1000)}`,
        "ALTER TABLE thing MODIFY e enum('c','b','a') NOT NULL",
      ],
    ])('%s: the snapshot begins anew, and every row is there', async (_name, create, alter) => {
      await lab(async lab => {
        const reading = await altered(lab, create, alter);
        expect(reading.restarts).toBe(1);
        expect(sorted(reading.ids())).toEqual(all);
      })();
    });

    it(
      'another character set: text of later chunks is read in it',
      lab(async lab => {
        const create = `CREATE TABLE thing (id int PRIMARY KEY, w varchar(20), t text) CHARACTER SET latin1; INSERT INTO thing ${words(1000)}`;
        const reading = await altered(lab, create, 'ALTER TABLE thing CONVERT TO CHARACTER SET utf8mb4');
        expect(reading.restarts).toBe(0);
        expect(sorted(reading.ids())).toEqual(all);
        expect(new Set(reading.rows.map(row => row['t']))).toEqual(new Set(['ü']));
      }),
    );

    it(
      'a column more, and a wider key: the snapshot goes on where it is',
      lab(async lab => {
        const create = `CREATE TABLE thing (id int PRIMARY KEY, n int); INSERT INTO thing SELECT i, 1 FROM ${series(1000)}`;
        const reading = await altered(lab, create, 'ALTER TABLE thing ADD COLUMN more int FIRST, MODIFY id bigint NOT NULL');
        expect(reading.restarts).toBe(0);
        expect(reading.rows.map(row => row['id'])).toEqual(all);
      }),
    );

    it(
      'a type that breaks the promise is SCHEMA_CHANGED, not null',
      lab(async lab => {
        const create = `CREATE TABLE thing (id int PRIMARY KEY, n int); INSERT INTO thing SELECT i, i FROM ${series(1000)}`;
        await expect(altered(lab, create, 'ALTER TABLE thing MODIFY n varchar(20)')).rejects.toThrow(
          /column "n" .* is varchar\(20\), which is not what the catalog promises \(integer\)/,
        );
      }),
    );
  });

  it(
    'a table that is converted before its turn comes is read as it is then',
    lab(async lab => {
      await lab.sql('CREATE TABLE thing (id int PRIMARY KEY, t text) CHARACTER SET latin1');
      await lab.sql("INSERT INTO thing VALUES (1, 'ü'), (2, 'é')");
      const reading = await Reading.open(lab);
      await lab.sql('ALTER TABLE thing CONVERT TO CHARACTER SET utf8mb4');
      await reading.read(0, () => Promise.resolve());
      expect(reading.rows.map(row => row['t'])).toEqual(['ü', 'é']);
    }),
  );

  it(
    'a read that is killed in a full refresh, and whose table has another key then, gives every row',
    lab(async lab => {
      await lab.sql(`CREATE TABLE thing (id int PRIMARY KEY, n int NOT NULL, text longtext);
        INSERT INTO thing SELECT i, 3000 - i, '${largeText(1, 300)}' FROM ${series(3000)}`);
      const platform = await lab.connect({ modes: { '*': 'full_refresh' } }, { checkpoint_interval_seconds: 0 });
      const killed = await platform.run({
        killAfter: { when: (line, lines) => lines > 500 && line.includes('"after"') },
        mayFail: true,
      });
      expect(killed.states).not.toEqual([]);
      platform.store(killed);
      await lab.sql('ALTER TABLE thing DROP PRIMARY KEY, ADD PRIMARY KEY (n)');
      const run = await platform.run({ mayFail: true });
      if (run.exitCode !== 0) throw new Error(failureOf(run));
      platform.store(run);
      await platform.expectEqual([table('thing', { id: 'integer', n: 'integer', text: 'text' })]);
    }),
  );
});

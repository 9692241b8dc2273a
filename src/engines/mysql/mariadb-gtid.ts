import type { TextProblem } from './gtid-text.ts';

/** The last transaction of one domain. `server` and `domain` are 32-bit, `sequence` is exact below 2^53. */
export interface MariadbGtid {
  readonly domain: number;
  readonly server: number;
  readonly sequence: number;
}

const GTID = /\s*([0-9]{1,10})-([0-9]{1,10})-([0-9]{1,20})\s*/y;
const MAX_UINT32 = 4_294_967_295;

/**
 * A place in a MariaDB log as `@@gtid_binlog_pos` has it: for each replication domain the last transaction. Within a
 * domain the sequence numbers only grow, so that the last one stands for all before it; domains are independent of each
 * other. MariaDB Documentation, "Global Transaction ID".
 */
export class GtidList {
  /** By domain. */
  readonly #last: Map<number, MariadbGtid>;

  private constructor(last: Map<number, MariadbGtid>) {
    this.#last = last;
  }

  static empty(): GtidList {
    return new GtidList(new Map());
  }

  /** Reads `domain-server-sequence[,…]`, each domain once. Empty text is the beginning of every domain. */
  static parse(text: string): GtidList | TextProblem {
    const last = new Map<number, MariadbGtid>();
    if (text.trim() === '') return new GtidList(last);
    let at = 0;
    for (;;) {
      GTID.lastIndex = at;
      const found = GTID.exec(text);
      const [, domain, server, sequence] = (found ?? []).map(Number);
      if (found === null || domain === undefined || server === undefined || sequence === undefined) {
        return { at, expected: 'domain-server-sequence such as 0-1-5' };
      }
      if (domain > MAX_UINT32 || server > MAX_UINT32 || !Number.isSafeInteger(sequence)) {
        return { at, expected: 'a domain and a server below 2^32 and a sequence below 2^53' };
      }
      if (last.has(domain)) return { at, expected: `domain ${domain} only once` };
      last.set(domain, { domain, server, sequence });
      at += found[0].length;
      if (at === text.length) return new GtidList(last);
      if (text[at] !== ',') return { at, expected: '"," or the end' };
      at += 1;
    }
  }

  get isEmpty(): boolean {
    return this.#last.size === 0;
  }

  /** In the order of their domains. */
  get gtids(): readonly MariadbGtid[] {
    return [...this.#last.values()].sort((a, b) => a.domain - b.domain);
  }

  clone(): GtidList {
    return new GtidList(new Map(this.#last));
  }

  /** Whether the transaction of this number in this domain is included. */
  has(domain: number, sequence: number): boolean {
    return (this.#last.get(domain)?.sequence ?? -1) >= sequence;
  }

  /** The log has gone on to this transaction. */
  advance(domain: number, server: number, sequence: number): void {
    this.#last.set(domain, { domain, server, sequence });
  }

  /**
   * Whether every transaction up to `other` is included in this place. Two servers that wrote the same sequence number
   * into a domain have parted: neither includes the other.
   */
  covers(other: GtidList): boolean {
    for (const theirs of other.#last.values()) {
      const own = this.#last.get(theirs.domain);
      if (own === undefined || !includes(own, theirs)) return false;
    }
    return true;
  }

  /** As `covers`, but only by numbers of one server: those of two do not tell which came first. */
  passes(other: GtidList): boolean {
    return other.gtids.every(theirs => {
      const own = this.#last.get(theirs.domain);
      return own?.server === theirs.server && own.sequence >= theirs.sequence;
    });
  }

  /** The last transaction of a domain. */
  of(domain: number): MariadbGtid | undefined {
    return this.#last.get(domain);
  }

  /** The greatest place that both cover. Null where there is none to be told: a domain in which the two have parted. */
  meet(other: GtidList): GtidList | null {
    const last = new Map<number, MariadbGtid>();
    for (const own of this.#last.values()) {
      const theirs = other.#last.get(own.domain);
      if (theirs === undefined) continue;
      if (includes(own, theirs)) last.set(own.domain, theirs);
      else if (includes(theirs, own)) last.set(own.domain, own);
      else return null;
    }
    return new GtidList(last);
  }

  /** As `@@gtid_binlog_pos` and `@slave_connect_state` spell it. */
  toString(): string {
    return this.gtids.map(({ domain, server, sequence }) => `${domain}-${server}-${sequence}`).join(',');
  }
}

/** The last number of each server in each domain, as in `@@gtid_binlog_state`: what a log has, whatever its order. */
export class GtidState {
  readonly #last = new Map<number, Map<number, number>>();

  constructor(gtids: readonly MariadbGtid[]) {
    for (const { domain, server, sequence } of gtids) this.add(domain, server, sequence);
  }

  /** Reads `domain-server-sequence[,…]`; each domain may have several servers. What is no GTID is not in it. */
  static parse(text: string): GtidState {
    const entries = text.split(',').map(entry => GtidList.parse(entry));
    return new GtidState(entries.flatMap(entry => (entry instanceof GtidList ? entry.gtids : [])));
  }

  add(domain: number, server: number, sequence: number): void {
    const servers = this.#last.get(domain);
    if (servers === undefined) this.#last.set(domain, new Map([[server, sequence]]));
    else if ((servers.get(server) ?? -1) < sequence) servers.set(server, sequence);
  }

  has({ domain, server, sequence }: MariadbGtid): boolean {
    return (this.#last.get(domain)?.get(server) ?? -1) >= sequence;
  }

  hasAll(list: GtidList): boolean {
    return list.gtids.every(gtid => this.has(gtid));
  }
}

const includes = (a: MariadbGtid, b: MariadbGtid): boolean =>
  a.sequence > b.sequence || (a.sequence === b.sequence && a.server === b.server);

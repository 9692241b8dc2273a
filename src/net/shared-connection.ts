/** What is shared. */
interface Connection {
  readonly closed: boolean;
  close(): void;
}

/**
 * The one connection by which a shard reads rows, so that servers which limit sessions need grant no more of them. A snapshot and
 * values that are read again take turns on it: whenever the log is followed, a snapshot stands between two of its statements, and
 * nothing that is read again is left half done.
 */
export class SharedConnection<C extends Connection> {
  readonly #open: (what: string) => Promise<C>;
  #present: C | null = null;

  /** `what` begins the sentence of an error: "Reading public.orders". */
  constructor(open: (what: string) => Promise<C>) {
    this.#open = open;
  }

  /** A new one, in the place of the one before, which nobody uses any more. */
  async renewed(what: string): Promise<C> {
    this.close();
    this.#present = await this.#open(what);
    return this.#present;
  }

  /** The one that is there, whoever opened it, or a new one. */
  async present(what: string): Promise<C> {
    return this.#present === null || this.#present.closed ? await this.renewed(what) : this.#present;
  }

  close(): void {
    if (this.#present?.closed === false) this.#present.close();
    this.#present = null;
  }
}

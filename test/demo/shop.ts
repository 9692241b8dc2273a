/** A database with a small shop in it, as the demo sees it. An engine that gives one gets a demo. */
export interface Shop {
  /** What was started, for people. */
  readonly label: string;
  /** The connector's configuration for it. */
  readonly config: unknown;
  /** What `change` runs, to be shown. */
  readonly changes: readonly string[];
  change(): Promise<void>;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

/** A database with a small shop in it, as the demo sees it. An engine that gives one gets a demo. */
export interface Shop {
  /** What was started, for people. */
  readonly label: string;
  /** The connector's configuration for it. */
  readonly config: unknown;
  /** What `change` runs, to be shown. */
  readonly changes: readonly string[];
  change(): Promise<void>;
  /** What is worth a second look in what the changes become, in lines. */
  readonly remarks: readonly string[];
  /** The document about the engine. */
  readonly page: string;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

/** What became of one tenant. */
export interface CatalogChange {
  readonly id: string;
  /** The domains that lead to it, or `undefined` when there is no such tenant any more. */
  readonly domains: readonly string[] | undefined;
}

/** What one look at the changes of a catalogue gave. */
export interface CatalogChangeBatch {
  readonly changes: readonly CatalogChange[];
  /** Whether `changes` are all tenants, so that whoever is not among them does not exist. */
  readonly isComplete: boolean;
}

/** Where a cache hears of changes. One `read` at a time. */
export interface CatalogChanges {
  /** What changed since the `read` before that succeeded; the first one gives everything. A change may come twice. */
  read(): Promise<CatalogChangeBatch>;
  /** Calls `wake` when there may be something to read, as far as the source is told. */
  onWake(wake: () => void): void;
  /** While it is held, a `read` under way keeps the process alive: somebody waits for it. Gives what ends that. */
  hold(): () => void;
  close(): Promise<void>;
}

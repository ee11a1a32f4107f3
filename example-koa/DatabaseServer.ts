/** A PostgreSQL server to keep tenants on. */
export interface DatabaseServer {
  /** `postgresql://user:password@host:port/`. Its path names a database for administration only. */
  readonly url: string;
  /** What a person who starts the application should know about it. */
  readonly notes: readonly string[];
  /** Ends the server if it is ours. */
  stop(): Promise<void>;
  /** Ends it without waiting. Nothing that was committed is lost. */
  kill(): void;
}

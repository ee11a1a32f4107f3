import { AsyncLocalStorage } from 'node:async_hooks';
import type pg from 'pg';
import type { CatalogChange, CatalogChangeBatch, CatalogChanges } from '../catalog/CatalogChanges.ts';
import { CHANNEL } from '../catalog/TenantEntity.ts';
import { type Clock, systemClock } from '../connections/Clock.ts';
import { cutClient, endClient } from '../connections/endClient.ts';
import { openClient } from '../connections/openClient.ts';
import type { CheckedServerOptions } from '../connections/ServerOptions.ts';
import { NO_SESSION } from '../connections/SessionSettings.ts';
import { CatalogUnavailableError, ManagerClosedError } from '../errors.ts';
import { CHANGES_SINCE, EVERYTHING, EVERYTHING_PAGE, HORIZON } from './changesSql.ts';
import { CATALOG_ID } from './names.ts';

export interface CatalogSessionParts {
  readonly server: CheckedServerOptions;
  readonly database: string;
  /** Whether to listen: on the direct route, since a pooler hands its sessions around. */
  readonly notify: boolean;
  readonly clock?: Clock;
}

/** After this everything is read again: it heals what no trigger noted, and is long before tombstones are pruned. */
const COMPLETE_EVERY_MS = 60 * 60_000;

/** How long one statement may take before the connection counts as dead. */
const STATEMENT_TIMEOUT_MS = 5_000;

/** SQLSTATE undefined_table. */
const UNDEFINED_TABLE = '42P01';

interface Cursor {
  /** The database's own number: another one behind the same name has other transactions. */
  readonly database: string;
  /** All transactions below have ended. */
  readonly horizon: bigint;
  readonly completeAt: number;
}

interface ChangeRow {
  readonly id: string | null;
  readonly changed_in: string;
  readonly domains: readonly string[] | null;
  readonly database: string;
  readonly horizon: string;
}

/**
 * The one session by which a process hears of changes: it polls, and listens for the writers' NOTIFY. Each poll is its
 * heartbeat; a dead session is replaced by the next one. It keeps no process alive unless somebody waits for a read.
 */
export class CatalogSession implements CatalogChanges {
  readonly #parts: CatalogSessionParts;
  readonly #clock: Clock;
  readonly #outside = AsyncLocalStorage.snapshot();
  readonly #closing = new AbortController();
  #client: pg.Client | undefined;
  #cursor: Cursor | undefined;
  /** Changes at or above the horizon that were given already, by the transaction that made them. */
  #given = new Map<string, string>();
  #wake: () => void = () => {};
  #holds = 0;

  constructor(parts: CatalogSessionParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
  }

  onWake(wake: () => void): void {
    this.#wake = wake;
  }

  hold(): () => void {
    this.#holds += 1;
    keepAlive(this.#client, true);
    return () => {
      this.#holds -= 1;
      if (this.#holds === 0) {
        keepAlive(this.#client, false);
      }
    };
  }

  async read(): Promise<CatalogChangeBatch> {
    const client = this.#client ?? (await this.#outside(() => this.#open()));
    try {
      const cursor = this.#cursor;
      const isDue = cursor === undefined || this.#clock.now() - cursor.completeAt >= COMPLETE_EVERY_MS;
      return isDue ? await this.#readAll(client) : await this.#readSince(client, cursor);
    } catch (error) {
      this.#forget(client);
      if ((error as { readonly code?: unknown }).code === UNDEFINED_TABLE) {
        throw new CatalogUnavailableError('its tables are not there; run `manager.central.migrate()`', {
          cause: error,
        });
      }
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new ManagerClosedError());
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) {
      keepAlive(client, true);
      cutClient(client);
      await endClient(client);
    }
  }

  /** The horizon comes first: what commits while the pages are read is at or above it, and is read again. */
  async #readAll(client: pg.Client): Promise<CatalogChangeBatch> {
    const completeAt = this.#clock.now();
    const [at] = await this.#query<ChangeRow>(client, HORIZON, []);
    const changes: CatalogChange[] = [];
    let after: string | null = null;
    do {
      const page: readonly { id: string; domains: readonly string[] }[] = await this.#query(client, EVERYTHING, [
        after,
      ]);
      changes.push(...page);
      after = page.length < EVERYTHING_PAGE ? null : (page.at(-1)?.id ?? null);
    } while (after !== null);
    this.#given = new Map();
    this.#cursor = { database: at?.database ?? '', horizon: BigInt(at?.horizon ?? 0), completeAt };
    return { changes, isComplete: true };
  }

  async #readSince(client: pg.Client, cursor: Cursor): Promise<CatalogChangeBatch> {
    const rows = await this.#query<ChangeRow>(client, CHANGES_SINCE, [String(cursor.horizon)]);
    const [{ database, horizon }] = rows as [ChangeRow];
    if (database !== cursor.database || BigInt(horizon) < cursor.horizon) {
      // Restored, or another server: its transactions say nothing of what was read before.
      return this.#readAll(client);
    }
    const found = rows.filter((row): row is ChangeRow & { readonly id: string } => row.id !== null);
    const changes = found
      .filter(({ id, changed_in }) => this.#given.get(id) !== changed_in)
      .map(({ id, domains }) => ({ id, domains: domains ?? undefined }));
    this.#given = new Map(found.map(({ id, changed_in }) => [id, changed_in]));
    this.#cursor = { ...cursor, horizon: BigInt(horizon) };
    return { changes, isComplete: false };
  }

  async #open(): Promise<pg.Client> {
    const { server, database, notify } = this.#parts;
    const { user, password, ssl, connectTimeoutMs } = server;
    const address = { url: notify ? server.directUrl : server.url, user, password, ssl, connectTimeoutMs };
    const target = { tenantId: CATALOG_ID, database, session: NO_SESSION };
    const client = await openClient(address, target, this.#closing.signal);
    if (this.#closing.signal.aborted) {
      cutClient(client);
      await endClient(client);
      throw this.#closing.signal.reason;
    }
    this.#client = client;
    const lost = (): void => {
      if (this.#client === client) {
        this.#forget(client);
        // At once: what is notified meanwhile is not heard.
        this.#wake();
      }
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', () => this.#wake());
    if (this.#holds === 0) {
      keepAlive(client, false);
    }
    if (notify) {
      await this.#query(client, `listen ${CHANNEL}`, []);
    }
    return client;
  }

  #forget(client: pg.Client): void {
    if (this.#client === client) {
      this.#client = undefined;
    }
    cutClient(client);
  }

  async #query<R>(client: pg.Client, text: string, values: readonly unknown[]): Promise<readonly R[]> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.schedule(STATEMENT_TIMEOUT_MS, () =>
      reject(new CatalogUnavailableError(`no answer within ${STATEMENT_TIMEOUT_MS} ms`)),
    );
    try {
      const { rows } = await Promise.race([client.query(text, [...values]), late]);
      return rows as readonly R[];
    } finally {
      cancel();
    }
  }
}

/** `pg` has both, and its types have neither. */
function keepAlive(client: pg.Client | undefined, isNeeded: boolean): void {
  const socket = client as unknown as { ref(): void; unref(): void } | undefined;
  if (isNeeded) {
    socket?.ref();
  } else {
    socket?.unref();
  }
}

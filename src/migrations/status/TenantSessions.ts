import pMap from 'p-map';
import type { PostgresServer } from '../../connections/PostgresServer.ts';
import type { EndablePool, LentConnection } from '../../connections/TenantPool.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import { directSession } from '../directSession.ts';
import { STATUS_SETTINGS } from './schemaSql.ts';

export interface TenantSessionsParts<T extends Tenant> {
  /** Where the tenant's database is. Throws `TenancyConfigurationError`. */
  readonly serverOf: (tenant: T) => PostgresServer;
  readonly track: (pool: EndablePool) => () => void;
  /** Throws once nothing more is to be begun. */
  readonly goOn: () => void;
  readonly statementTimeoutMs: number;
}

/** What became of one tenant. */
export type Answer<R> = { readonly ok: true; readonly value: R } | { readonly ok: false; readonly error: unknown };

/** Looks at the databases of many tenants: a session for each, as many at once as each server has in reserve. */
export class TenantSessions<T extends Tenant> {
  readonly #parts: TenantSessionsParts<T>;

  constructor(parts: TenantSessionsParts<T>) {
    this.#parts = parts;
  }

  /** Calls `look` with a session of each tenant. One that fails is an answer. Rejects once all is over if `goOn` throws. */
  async each<R>(
    tenants: readonly T[],
    look: (session: LentConnection, tenant: T) => Promise<R>,
  ): Promise<ReadonlyMap<T, Answer<R>>> {
    const answers = new Map<T, Answer<R>>();
    const byServer = new Map<PostgresServer, T[]>();
    for (const tenant of tenants) {
      try {
        const server = this.#parts.serverOf(tenant);
        const its = byServer.get(server) ?? [];
        its.push(tenant);
        byServer.set(server, its);
      } catch (error) {
        answers.set(tenant, { ok: false, error });
      }
    }
    const ofServer = async ([server, its]: [PostgresServer, T[]]): Promise<void> => {
      const concurrency = server.stats().reserved.limit;
      const answer = async (tenant: T): Promise<void> => {
        answers.set(tenant, await this.#answer(server, tenant, look));
      };
      // A migration keeps the only connection for longer than one is waited for; otherwise it leaves one free.
      await pMap(its, (tenant) => (concurrency === 1 ? server.migrations.run(() => answer(tenant)) : answer(tenant)), {
        concurrency,
      });
    };
    await Promise.all([...byServer].map(ofServer));
    this.#parts.goOn();
    return answers;
  }

  async #answer<R>(
    server: PostgresServer,
    tenant: T,
    look: (session: LentConnection, tenant: T) => Promise<R>,
  ): Promise<Answer<R>> {
    const { track, goOn, statementTimeoutMs } = this.#parts;
    const { id: tenantId, database } = tenant;
    try {
      goOn();
      const value = await directSession({ server, tenantId, database, track }, async (session) => {
        await session.query(STATUS_SETTINGS, [String(statementTimeoutMs)]);
        return look(session, tenant);
      });
      return { ok: true, value };
    } catch (error) {
      return { ok: false, error };
    }
  }
}

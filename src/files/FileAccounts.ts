import type { CloseCause } from '../connections/BudgetedConnection.ts';
import type { ConnectionAccount } from '../connections/ConnectionAccount.ts';
import type { ConnectionBudget } from '../connections/ConnectionBudget.ts';
import type { AccountOf } from '../connections/PostgresServer.ts';
import type { LeasableConnection, Lent } from '../connections/TenantPool.ts';
import { messageOf, TenancyConfigurationError, TenancyError, TenantConnectionError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import { DEFAULT_SERVER, serverOf, statusOf, type Tenant } from '../tenant/Tenant.ts';
import { assertFileName } from './fileName.ts';

/** For whom a file is opened. */
export interface FileOf extends AccountOf {
  readonly isReadOnly: boolean;
}

/** Hears of what becomes of a connection. */
export interface FileConnectionListener<C> {
  readonly released: (connection: C, destroy: boolean) => void;
  readonly tainted: (transaction: string) => void;
  readonly closed: (cause: CloseCause) => void;
}

export interface FileAccountsParts<C> {
  /** As messages call it. */
  readonly kind: string;
  readonly events: TenancyEmitter;
  readonly open: (of: FileOf, listener: FileConnectionListener<C>, signal: AbortSignal) => Promise<C>;
}

/** The accounts of tenants whose databases are in one folder, with the events of their connections. */
export class FileAccounts<C extends LeasableConnection<Lent>> {
  readonly #parts: FileAccountsParts<C>;

  constructor(parts: FileAccountsParts<C>) {
    this.#parts = parts;
  }

  /** For whom the files of a tenant are opened. Throws `TenancyConfigurationError` for a tenant that has none here. */
  of(tenant: Tenant): FileOf {
    if (serverOf(tenant) !== DEFAULT_SERVER) {
      throw new TenancyConfigurationError(
        `Tenant "${tenant.id}": databases of ${this.#parts.kind} are in one folder. Leave out \`server\`.`,
        { tenantId: tenant.id },
      );
    }
    assertFileName(tenant.database, tenant.id);
    return { tenantId: tenant.id, database: tenant.database, isReadOnly: statusOf(tenant) === 'readonly' };
  }

  account(budget: ConnectionBudget<C>, of: FileOf, weight = 1): ConnectionAccount<C> {
    const { events } = this.#parts;
    assertFileName(of.database, of.tenantId);
    const account: ConnectionAccount<C> = budget.account(
      of.tenantId,
      (signal) => this.#open(budget, account, of, signal),
      {
        weight,
        onWaited: (tookMs, error) => {
          events.emit('connection:waited', { tenantId: of.tenantId, server: DEFAULT_SERVER, tookMs, error });
        },
      },
    );
    return account;
  }

  async #open(budget: ConnectionBudget<C>, account: ConnectionAccount<C>, of: FileOf, signal: AbortSignal): Promise<C> {
    const { events, open } = this.#parts;
    const { tenantId } = of;
    const about = { tenantId, server: DEFAULT_SERVER };
    const startedAt = performance.now();
    const listener: FileConnectionListener<C> = {
      released: (connection, destroy) => account.release(connection, destroy),
      tainted: (transaction) => {
        budget.countTainted(account);
        events.emit('connection:tainted', { ...about, transaction });
      },
      closed: (reason) => events.emit('connection:closed', { ...about, reason }),
    };
    try {
      const connection = await open(of, listener, signal);
      events.emit('connection:opened', { ...about, tookMs: performance.now() - startedAt });
      return connection;
    } catch (error) {
      if (signal.aborted) {
        throw signal.reason;
      }
      events.emit('connection:failed', { ...about, error });
      if (error instanceof TenancyError) {
        throw error;
      }
      const why = `its database cannot be opened (${messageOf(error)})`;
      throw new TenantConnectionError(tenantId, why, { cause: error });
    }
  }
}

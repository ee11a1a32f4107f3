/** What every error of this library can carry beside its message. */
export interface TenancyErrorDetails {
  /** The tenant that the work was for, when it is known. */
  readonly tenantId?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The base of every error that this library throws on purpose. `code` is stable across releases, `status` is the HTTP
 * status to answer with, and `expose` says whether the message may be shown to the client. No message holds a secret.
 */
export abstract class TenancyError extends Error {
  abstract readonly code: string;
  readonly status: number = 500;
  /** Whether `message` is fit for the client of an HTTP request. Read by Koa as well. */
  readonly expose: boolean = false;
  readonly tenantId: string | undefined;

  constructor(message: string, details: TenancyErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.tenantId = details.tenantId;
  }
}

/** An option, a tenant or a name that cannot be accepted. The message names the option and says what it takes. */
export class TenancyConfigurationError extends TenancyError {
  readonly code = 'TENANCY_CONFIGURATION';
}

/** Tenant-scoped work was asked for outside every tenant. */
export class NoTenantError extends TenancyError {
  readonly code = 'NO_TENANT';

  constructor(what: string) {
    super(
      `${what} needs a tenant, and there is none in this async context. ` +
        'Call it inside `manager.run(id, …)` or in a handler behind the `tenancy` middleware.',
    );
  }
}

/** No tenant has this id or domain. The message is the same for a tenant that may not be seen. */
export class TenantNotFoundError extends TenancyError {
  readonly code = 'TENANT_NOT_FOUND';
  override readonly status = 404;

  constructor(tenantId?: string, details: TenancyErrorDetails = {}) {
    super(
      tenantId === undefined
        ? 'No tenant was found for this request.'
        : `Tenant "${tenantId}" does not exist. Add it to the catalog first.`,
      { ...details, tenantId },
    );
  }
}

/** This client may not use the tenant. From outside it looks like {@link TenantNotFoundError}. */
export class TenantForbiddenError extends TenancyError {
  readonly code = 'TENANT_FORBIDDEN';
  override readonly status = 404;

  constructor(tenantId: string, why = '`authorize` refused it', details: TenancyErrorDetails = {}) {
    super(`Tenant "${tenantId}": this request may not use it: ${why}.`, { ...details, tenantId });
  }
}

/** The session of the request was made for another tenant. From outside it looks like {@link TenantNotFoundError}. */
export class SessionOfOtherTenantError extends TenancyError {
  readonly code = 'SESSION_OF_OTHER_TENANT';
  override readonly status = 404;

  constructor(tenantId: string | undefined, owner: string) {
    super(
      `The session of this request was made for ${owner}, not for ${tenantId === undefined ? 'a page without a tenant' : `tenant "${tenantId}"`}. ` +
        'Set session cookies without `domain`, so that browsers do not send them to other tenants.',
      { tenantId },
    );
  }
}

/** The tenant is suspended, and the client is one of its own. To others it looks like {@link TenantNotFoundError}. */
export class TenantSuspendedError extends TenancyError {
  readonly code = 'TENANT_SUSPENDED';
  override readonly status = 403;
  override readonly expose = true;

  constructor(tenantId: string) {
    super(`Tenant "${tenantId}" is suspended. Ask whoever runs this service to resume it.`, { tenantId });
  }
}

/**
 * The tenant takes no changes now; the client may read. 403 and not 503: nobody knows when it will be otherwise, and a
 * client or proxy that tries again by itself would only send the change another time.
 */
export class TenantReadOnlyError extends TenancyError {
  readonly code = 'TENANT_READ_ONLY';
  override readonly status = 403;
  override readonly expose = true;

  /** `why` is shown to the client. */
  constructor(tenantId: string, why: string, details: TenancyErrorDetails = {}) {
    super(`Tenant "${tenantId}" can only be read now: ${why}. Try again when it takes changes.`, {
      ...details,
      tenantId,
    });
  }
}

/** The sources of one request name different tenants. From outside it looks like {@link TenantNotFoundError}. */
export class TenantAmbiguousError extends TenancyError {
  readonly code = 'TENANT_AMBIGUOUS';
  override readonly status = 404;

  readonly otherTenantId: string;
  /** What named the two, as in `host` and `header x-tenant`. */
  readonly sources: readonly [string, string];

  constructor(tenantId: string, otherTenantId: string, sources: readonly [string, string]) {
    super(
      `The request names tenant "${tenantId}" (${sources[0]}) and tenant "${otherTenantId}" (${sources[1]}). ` +
        'Send one of them, or leave out of `resolve` the source that is not meant to name a tenant.',
      { tenantId },
    );
    this.otherTenantId = otherTenantId;
    this.sources = sources;
  }
}

/** Statuses that pass by themselves, so that a client is told to come back. The others look like a missing tenant. */
const PASSING_STATUSES: ReadonlySet<string> = new Set(['provisioning', 'maintenance']);

/**
 * The tenant exists and may not be used now. `status` is 503 while it is provisioning or in maintenance, and 404 for
 * every other tenant status (`suspended` and the like), which from outside looks like {@link TenantNotFoundError}.
 */
export class TenantUnavailableError extends TenancyError {
  readonly code = 'TENANT_UNAVAILABLE';
  override readonly status: number;
  readonly tenantStatus: string;
  readonly retryAfterSeconds: number;

  constructor(tenantId: string, tenantStatus: string, retryAfterSeconds = 30) {
    super(`Tenant "${tenantId}" is ${tenantStatus} and takes no work now. Make it active, or try again later.`, {
      tenantId,
    });
    this.status = PASSING_STATUSES.has(tenantStatus) ? 503 : 404;
    this.tenantStatus = tenantStatus;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The request cannot name a tenant: its Host header, path or other source is malformed. */
export class BadTenantRequestError extends TenancyError {
  readonly code = 'BAD_TENANT_REQUEST';
  override readonly status = 400;
  override readonly expose = true;
}

/** The tenant's database is not on its server. It is never created on the way. */
export class TenantDatabaseMissingError extends TenancyError {
  readonly code = 'TENANT_DATABASE_MISSING';
  override readonly status = 503;
  readonly database: string;

  constructor(tenantId: string, database: string, details: TenancyErrorDetails = {}) {
    super(
      // Not PostgreSQL's words: MikroORM's schema generator takes `database "…" does not exist` as leave to create it.
      `Tenant "${tenantId}": its server has no database "${database}". ` +
        'Create it, or correct `database` in the catalog; nothing was created.',
      { ...details, tenantId },
    );
    this.database = database;
  }
}

/** A connection landed in another database than the tenant's. It was destroyed before anything was sent on it. */
export class WrongDatabaseError extends TenancyError {
  readonly code = 'WRONG_DATABASE';

  constructor(tenantId: string, expected: string, actual: string) {
    super(
      `Tenant "${tenantId}": the connection reached the database "${actual}" instead of "${expected}". ` +
        'Look at the server URL, a connection pooler in between, and PGDATABASE-like settings.',
      { tenantId },
    );
  }
}

/** An entity that belongs to one tenant reached the EntityManager of another. Nothing was written. */
export class WrongTenantError extends TenancyError {
  readonly code = 'WRONG_TENANT';

  constructor(entity: string, owner: string, current: string, tenantId?: string) {
    super(
      `An entity ${entity} of ${owner} reached the EntityManager of ${current}; nothing was written. ` +
        'Load it again in the tenant that should own it, or copy its values into a new entity.',
      { tenantId },
    );
  }
}

/** The tenant's ORM was closed (evicted, dropped, or the manager is closing) while something still used it. */
export class TenantClosedError extends TenancyError {
  readonly code = 'TENANT_CLOSED';
  override readonly status = 503;

  constructor(tenantId: string, reason: string) {
    super(
      `Tenant "${tenantId}": its ORM was closed (${reason}). ` +
        'Start over with `manager.run` or `manager.acquire`; await everything that a lease is used for before its end.',
      { tenantId },
    );
  }
}

/** The manager is closing or closed. */
export class ManagerClosedError extends TenancyError {
  readonly code = 'MANAGER_CLOSED';
  override readonly status = 503;

  constructor() {
    super('The TenantOrmManager is closed. Build a new one with `TenantOrmManager.init`.');
  }
}

/** A lease was released twice, or used after its release. */
export class LeaseReleasedError extends TenancyError {
  readonly code = 'LEASE_RELEASED';

  constructor(tenantId: string, what: string) {
    super(`Tenant "${tenantId}": ${what} Each lease is released once, by the code that acquired it.`, { tenantId });
  }
}

/** A tenant could not be opened a moment ago; it is not tried again before the back-off is over. */
export class TenantOpenError extends TenancyError {
  readonly code = 'TENANT_OPEN_FAILED';
  override readonly status = 503;
  readonly retryAfterSeconds: number;

  constructor(tenantId: string, retryInMs: number, details: TenancyErrorDetails = {}) {
    super(
      `Tenant "${tenantId}" could not be opened; it is tried again in ${Math.ceil(retryInMs)} ms. See \`cause\` for why.`,
      { ...details, tenantId },
    );
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryInMs / 1000));
  }
}

/** No connection became free in time, or too many callers wait already. */
export class ConnectionBudgetExceededError extends TenancyError {
  readonly code = 'CONNECTION_BUDGET_EXCEEDED';
  override readonly status = 503;
  readonly retryAfterSeconds = 1;

  constructor(tenantId: string, why: string, inUse: number, limit: number, waiting: number) {
    super(
      `Tenant "${tenantId}": ${why} (${inUse} of ${limit} connections in use, ${waiting} waiting). ` +
        'Raise `maxConnections`, lower `maxConnectionsPerTenant`, or look for transactions and leases held too long.',
      { tenantId },
    );
  }
}

/** The client of a request went away while the request waited for a connection. There is nobody to answer. */
export class ClientGoneError extends TenancyError {
  readonly code = 'CLIENT_GONE';
  override readonly status = 499;

  constructor() {
    super('The client closed its connection while the request waited for one to the database; nothing was sent.');
  }
}

/** The server could not be reached, or refused the connection, and not because a database is missing. */
export class TenantConnectionError extends TenancyError {
  readonly code = 'TENANT_CONNECTION_FAILED';
  override readonly status = 503;
  readonly retryAfterSeconds: number;
  /** Why, without the tenant. */
  readonly reason: string;

  constructor(tenantId: string, why: string, details: TenancyErrorDetails & { readonly retryInMs?: number } = {}) {
    super(`Tenant "${tenantId}": no connection to its server could be opened: ${why}.`, { ...details, tenantId });
    this.reason = why;
    this.retryAfterSeconds = Math.max(1, Math.ceil((details.retryInMs ?? 0) / 1000));
  }
}

/**
 * The connection went away under a statement, or between two of a transaction: the server ended it, or is gone. What was in
 * a transaction is undone; whether a statement outside of one has taken effect is not known. Of MySQL and MariaDB; `pg` says
 * so in its own words.
 */
export class TenantConnectionLostError extends TenancyError {
  readonly code = 'TENANT_CONNECTION_LOST';
  override readonly status = 503;
  readonly retryAfterSeconds = 1;

  constructor(tenantId: string, details: Pick<TenancyErrorDetails, 'cause'> = {}) {
    super(
      `Tenant "${tenantId}": its connection was lost under a statement. A transaction is undone, and can be run again; look ` +
        'whether a statement outside of one has taken effect.',
      { ...details, tenantId },
    );
  }
}

/** Others wrote to the tenant's database for longer than `lockTimeoutMs`. Of databases that have one writer at a time. */
export class TenantBusyError extends TenancyError {
  readonly code = 'TENANT_BUSY';
  override readonly status = 503;
  readonly retryAfterSeconds = 1;

  constructor(tenantId: string, timeoutMs: number, details: Pick<TenancyErrorDetails, 'cause'> = {}) {
    super(
      `Tenant "${tenantId}": its database was locked by another transaction for ${timeoutMs} ms. Shorten transactions, or ` +
        'raise `lockTimeoutMs`; a run of the same tenant that writes inside of a transaction waits for that transaction.',
      { ...details, tenantId },
    );
  }
}

/** Another process kept the migration lock of this tenant for longer than `lockTimeoutMs`. */
export class MigrationLockTimeoutError extends TenancyError {
  readonly code = 'MIGRATION_LOCK_TIMEOUT';

  constructor(tenantId: string, timeoutMs: number) {
    super(
      `Tenant "${tenantId}": the migration lock was not free within ${timeoutMs} ms. ` +
        'Another process migrates this tenant; look at it, or raise `migrationLockTimeoutMs`.',
      { tenantId },
    );
  }
}

/**
 * A migration failed on a database that commits each change of the schema by itself: what came before the failure stays. Of
 * MySQL and MariaDB. `cause` is the failure.
 */
export class MigrationIncompleteError extends TenancyError {
  readonly code = 'MIGRATION_INCOMPLETE';

  constructor(tenantId: string, why: string, details: Pick<TenancyErrorDetails, 'cause'> = {}) {
    super(
      `Tenant "${tenantId}": a migration failed (${why}). MySQL and MariaDB commit each change of the schema by itself, so ` +
        'that it is not undone: look at what the migration has changed before you run it again.',
      { ...details, tenantId },
    );
  }
}

/** The tenant's schema is older than what `versionGate` requires. It passes once the tenant is migrated. */
export class TenantBehindError extends TenancyError {
  readonly code = 'TENANT_BEHIND';
  override readonly status = 503;
  /** The migration that the application needs. */
  readonly requires: string;
  readonly retryAfterSeconds: number;

  constructor(
    tenantId: string,
    requires: string,
    why: string,
    retryAfterMs: number,
    details: Pick<TenancyErrorDetails, 'cause'> = {},
  ) {
    super(
      `Tenant "${tenantId}" is behind the migration "${requires}", which this application needs: ${why}. ` +
        'Migrate it by `manager.fleet.migrate()` or `manager.migrator(id).up()`.',
      { ...details, tenantId },
    );
    this.requires = requires;
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  }
}

/** Another tenant has the id, the database or the domain that a tenant was to get. Nothing was written. */
export class TenantConflictError extends TenancyError {
  readonly code = 'TENANT_CONFLICT';
  override readonly status = 409;

  constructor(tenantId: string, what: string, details: TenancyErrorDetails = {}) {
    super(`Tenant "${tenantId}": ${what} is taken already. Choose another.`, { ...details, tenantId });
  }
}

/** The tenant was changed by somebody else since the caller read it. Nothing was written. */
export class TenantChangedError extends TenancyError {
  readonly code = 'TENANT_CHANGED';
  override readonly status = 409;

  constructor(tenantId: string, expected: number, actual: number) {
    super(`Tenant "${tenantId}" is at revision ${actual}, not ${expected} any more. Read it again, and decide anew.`, {
      tenantId,
    });
  }
}

/** The catalogue cannot be asked, and what is known of it does not answer. */
export class CatalogUnavailableError extends TenancyError {
  readonly code = 'CATALOG_UNAVAILABLE';
  override readonly status = 503;
  readonly retryAfterSeconds = 1;

  constructor(why: string, details: TenancyErrorDetails = {}) {
    super(`The catalogue of tenants cannot be asked now: ${why}.`, details);
  }
}

/** The message of anything that was thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import { EventEmitter } from 'node:events';

/** Why a tenant's ORM was closed. */
export type CloseReason =
  | 'idle'
  | 'capacity'
  | 'evicted'
  /** Its database is another one by now, or its sessions have other settings. */
  | 'moved'
  /** Its status takes no work any more. */
  | 'unavailable'
  | 'deleted'
  | 'manager closed'
  | 'closed by the application';

/** Which address of a server: that of requests, the one without a pooler, or a replica by its place in `replicas`. */
export type ServerRoute = 'primary' | 'direct' | `replica ${number}`;

type FleetEventCounts = Readonly<Record<'tenants' | 'pending' | 'running' | 'done' | 'unchanged' | 'failed', number>>;

interface FleetTenantEvent {
  readonly runId: string | undefined;
  readonly tenantId: string;
  readonly attempt: number;
  /** What the run has applied, or taken back, so far. */
  readonly migrations: readonly string[];
  readonly error: { readonly message: string; readonly sqlState: string | undefined } | undefined;
}

interface OperationEvent {
  readonly operationId: string | undefined;
  readonly kind: 'provision' | 'clone' | 'import' | 'move' | 'archive' | 'restore' | 'drop' | 'rename';
  readonly tenantId: string;
}

/** Everything that happens, as facts in the past tense with plain data. No secret is among it. */
export interface TenancyEvents {
  'tenant:opened': { readonly tenantId: string; readonly generation: number; readonly tookMs: number };
  'tenant:open-failed': { readonly tenantId: string; readonly error: unknown; readonly retryInMs: number };
  'tenant:evicted': { readonly tenantId: string; readonly reason: CloseReason; readonly openForMs: number };
  'tenant:wrong-entity': { readonly tenantId: string; readonly entity: string; readonly ownerTenantId: string };
  'metadata:not-shared': { readonly reason: string };
  'connection:opened': { readonly tenantId: string; readonly server: string; readonly tookMs: number };
  'connection:closed': { readonly tenantId: string; readonly server: string; readonly reason: string };
  'connection:failed': { readonly tenantId: string; readonly server: string; readonly error: unknown };
  /** A caller got its connection, or none, and not at once: it waited for one to come free or to be opened. */
  'connection:waited': {
    readonly tenantId: string;
    readonly server: string;
    readonly tookMs: number;
    /** What it got in place of a connection: the refusal, or the reason of its signal. */
    readonly error: unknown;
  };
  'connection:tainted': { readonly tenantId: string; readonly server: string; readonly transaction: string };
  'connection:leaked': {
    readonly tenantId: string;
    readonly server: string;
    readonly heldForMs: number;
    /** Where the connection was acquired. */
    readonly stack: string;
  };
  /** Several attempts in a row to reach an address of the server failed: it is left alone for a while. */
  'server:down': {
    readonly server: string;
    readonly route: ServerRoute;
    readonly error: unknown;
    readonly retryInMs: number;
  };
  'server:up': { readonly server: string; readonly route: ServerRoute; readonly downForMs: number };
  'migration:applied': { readonly tenantId: string; readonly migrations: readonly string[]; readonly tookMs: number };
  'migration:reverted': { readonly tenantId: string; readonly migrations: readonly string[]; readonly tookMs: number };
  /** A migration that `versionGate` began on a first access failed. */
  'migration:failed': { readonly tenantId: string; readonly error: unknown };
  /** A tenant that was opened lacks migrations that `versionGate` requires; said once for each opening. */
  'tenant:behind': {
    readonly tenantId: string;
    readonly pending: readonly string[];
    readonly whenBehind: 'serve' | 'refuse' | 'migrate';
  };
  /** A run over tenants began, in this process. `runId` is `undefined` without a central database. */
  'fleet:run-started': {
    readonly runId: string | undefined;
    readonly kind: 'migrate' | 'rollback';
    readonly tenants: number;
    readonly waves: number;
  };
  'fleet:wave-ended': {
    readonly runId: string | undefined;
    readonly wave: number;
    readonly waves: number;
    readonly counts: FleetEventCounts;
  };
  /** A tenant is tried again later: what failed may pass. */
  'fleet:tenant-delayed': FleetTenantEvent;
  'fleet:tenant-settled': FleetTenantEvent & { readonly state: 'done' | 'unchanged' | 'failed' };
  /** This process has left the run; it may still be under way in others. */
  'fleet:run-ended': {
    readonly runId: string | undefined;
    readonly kind: 'migrate' | 'rollback';
    readonly state: 'running' | 'stopped' | 'finished';
    readonly counts: FleetEventCounts;
  };
  /** A sign of life of a worker did not reach the central database. If it goes on, others take over its tenants. */
  'fleet:heartbeat-failed': { readonly error: unknown };
  /** Something is done to a tenant, in steps; `operationId` is `undefined` without a central database. */
  'operation:started': OperationEvent & { readonly attempt: number };
  'operation:step-done': OperationEvent & { readonly step: string; readonly tookMs: number };
  /** How far a step is that takes a while, as the copy of a table that is over. */
  'operation:progress': OperationEvent & {
    readonly step: string;
    readonly what: string;
    readonly done: number;
    readonly total: number;
  };
  /** `failed`: it stands where it stopped. `undone`: nothing of it is left. */
  'operation:ended': OperationEvent & {
    readonly state: 'done' | 'failed' | 'undone';
    readonly error: { readonly step: string; readonly message: string } | undefined;
  };
  'tenant:password-rotated': { readonly tenantId: string };
  'spares:made': { readonly server: string; readonly database: string };
  /** Databases for tenants to come could not be made; it is tried again. */
  'spares:failed': { readonly server: string; readonly error: unknown };
  'catalog:changed': { readonly tenantIds: readonly string[] };
  'catalog:failed': { readonly error: unknown };
  /** A client got no tenant. `cause` is there when a check by the application failed, as `verify` of a token. */
  'resolution:refused': {
    readonly code: string;
    readonly tenantId: string | undefined;
    readonly cause?: unknown;
  };
  /** Two sources of one request named different tenants; `resolution:refused` comes as well. */
  'resolution:disagreed': {
    readonly tenantId: string;
    readonly otherTenantId: string;
    readonly sources: readonly [string, string];
  };
}

/** The events a {@link TenancyEmitter} knows, as node's `EventEmitter` wants them: the arguments of each. */
export type TenancyEventMap = { [K in keyof TenancyEvents]: [TenancyEvents[K]] };

/**
 * A typed `EventEmitter`. What a listener throws becomes an uncaught exception of its own and never reaches the code
 * that emitted: a defect in a metrics hook must not leave a lease or a connection behind.
 */
export class TenancyEmitter extends EventEmitter<TenancyEventMap> {
  override emit<K extends keyof TenancyEventMap>(event: K, ...args: TenancyEventMap[K]): boolean {
    const listeners = this.rawListeners(event);
    for (const listener of listeners) {
      try {
        Reflect.apply(listener, this, args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    return listeners.length > 0;
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { HttpTenancyOptions, TenancyManager } from '../../../src/http/TenancyOptions.ts';
import type { Tenant } from '../../../src/tenant/Tenant.ts';
import type { TestServer } from './TestServer.ts';

/** A request as handlers of every framework can be shown it. */
export interface DoorCall {
  /** What the door put into the state of the framework. */
  readonly tenant: Tenant | undefined;
  readonly tenantPath: string | undefined;
  /** The path that the framework routes and shows. */
  readonly path: string;
  readonly method: string;
  header(name: string): string | undefined;
  /** The body, through the framework's usual parser. */
  readonly body: unknown;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

export interface DoorReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable;
}

export type DoorHandler = (call: DoorCall) => DoorReply | Promise<DoorReply>;

export interface DoorSetup<C, T extends Tenant = Tenant> {
  readonly manager: TenancyManager<T>;
  readonly options: HttpTenancyOptions<C, T>;
  readonly handler: DoorHandler;
  /** Headers that are set before the tenancy has the request. */
  readonly headersBefore?: Readonly<Record<string, string>>;
}

/** How a framework does what every front door is tested by. */
export interface DoorAdapter<C> {
  /** Whether handlers see the path below the tenant's, where it came from the path. */
  readonly showsPathBelowTenant: boolean;
  /** Whether the tenant is held also for a handler that still works for a client that is gone. */
  readonly waitsForHandlers: boolean;
  /** Whether listeners of the request and of its response run in the tenant's context. */
  readonly hasContextInEvents: boolean;
  /** Whether bodies are parsed before the tenancy has the request. */
  readonly parsesBodiesFirst?: boolean;
  /** What the framework answers by itself to a target that it cannot read, before the tenancy sees it. */
  readonly statusesOfUnreadableTargets?: readonly number[];
  /** Whether the framework's server refuses malformed hosts by itself, before the tenancy sees them. */
  readonly refusesHostsItself?: boolean;
  /** A header of what `authorize` and the like are given. */
  headerOf(ctx: C, name: string): string | undefined;
  /** An application with a parser of JSON bodies, its own handling of errors (500), and one handler for all paths. */
  start(setup: DoorSetup<C>): Promise<TestServer>;
}

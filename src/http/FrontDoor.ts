import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import {
  ClientGoneError,
  SessionOfOtherTenantError,
  TenancyConfigurationError,
  TenancyError,
  TenantAmbiguousError,
  TenantBehindError,
  TenantUnavailableError,
} from '../errors.ts';
import { TrustedProxies } from '../resolution/TrustedProxies.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { Admission, type InTenant } from './Admission.ts';
import { type Exemption, exemption } from './exemption.ts';
import { answerTo, isAnswerable } from './HttpAnswer.ts';
import type { HttpExchange } from './HttpExchange.ts';
import { HttpTenantRequest } from './HttpTenantRequest.ts';
import type { ResponseEnd } from './ResponseEnd.ts';
import { ResponseWatch } from './ResponseWatch.ts';
import { checkedFloor, untilFloor } from './refusalFloor.ts';
import { type RouteMode, routeMode } from './routeMode.ts';
import type { HttpCentralOptions, HttpTenancyOptions, TenancyManager } from './TenancyOptions.ts';
import type { TenantScope } from './TenantScope.ts';

/** A request of a tenant that is held open for it until `end`. */
export interface Entered<T extends Tenant> extends InTenant<T> {
  /** What stands before `path` in the path of the request: `/t/acme` of `/t/acme/houses`. */
  readonly tenantPath: string;
  readonly end: ResponseEnd;
  /** Those of the response before the tenant came in, which an answer of the tenancy keeps. */
  readonly headers: OutgoingHttpHeaders;
}

/** A request of a route that has none, whose errors are answered like those of a tenant's. */
export interface WithoutTenant {
  readonly is: 'without tenant';
  readonly headers: OutgoingHttpHeaders;
}

/** What is to be done with a request. */
export type Received<T extends Tenant> =
  | Entered<T>
  | WithoutTenant
  /** Left alone. */
  | { readonly is: 'exempt' }
  /** Refused or sent elsewhere, or its client is gone. */
  | { readonly is: 'over' };

const EXEMPT = Object.freeze({ is: 'exempt' });
const OVER = Object.freeze({ is: 'over' });

/** Marks a request that has been through a tenancy middleware. */
const ENTERED = Symbol('tenancy');

/** What a tenancy does with requests, whatever the framework. One for each middleware. */
export class FrontDoor<C, T extends Tenant> {
  readonly #manager: TenancyManager<T>;
  /** None where no route has a tenant. */
  readonly #admission: Admission<C, T> | undefined;
  readonly #scope: TenantScope<C> | undefined;
  readonly #isExempt: Exemption<C>;
  readonly #modeOf: (ctx: C, path: string) => RouteMode;
  readonly #proxies: TrustedProxies | undefined;
  readonly #floorMs: number;
  readonly #vary: readonly string[];
  readonly #responses = new ResponseWatch();
  readonly #central: TenancyManager['central'];

  /** Throws `TenancyConfigurationError`. */
  constructor(
    manager: TenancyManager<T>,
    options: HttpTenancyOptions<C, T> | HttpCentralOptions<C>,
    scope: TenantScope<C> | undefined,
  ) {
    const isCentral = !('resolve' in options) && options.mode === 'central';
    const { exempt, trustedProxies, refusalFloorMs, mode } = options as HttpTenancyOptions<C, T>;
    this.#manager = manager;
    this.#scope = scope;
    this.#admission = isCentral ? undefined : new Admission(manager, options as HttpTenancyOptions<C, T>, scope);
    this.#isExempt = exemption(exempt);
    this.#modeOf = routeMode(mode);
    this.#proxies = trustedProxies === undefined ? undefined : new TrustedProxies(trustedProxies);
    this.#floorMs = checkedFloor(refusalFloorMs);
    this.#vary = this.#admission?.vary ?? [];
    this.#central = manager.hasCentral === true ? manager.central : undefined;
  }

  /**
   * Finds out what is to be done with a request, and answers it where that is nothing. Rejects with what is not the
   * tenancy's to answer.
   */
  async receive(exchange: HttpExchange<C>): Promise<Received<T>> {
    const startedAt = performance.now();
    const { ctx, req, res, path } = exchange;
    if (await this.#isExempt(ctx, path)) {
      return EXEMPT;
    }
    const mode = this.#modeOf(ctx, path);
    if (mode === 'central' || this.#admission === undefined) {
      return { is: 'without tenant', headers: exchange.headers() };
    }
    assertFirstEntry(req);
    if (this.#vary.length > 0) {
      exchange.vary(this.#vary);
    }
    const headers = exchange.headers();
    const end = this.#responses.endOf(req, res);
    try {
      const request = new HttpTenantRequest(exchange, this.#proxies);
      const admitted = await this.#admission.admit(request, mode === 'either', end);
      switch (admitted.is) {
        case 'in tenant':
          return { ...admitted, tenantPath: tenantPathOf(path, admitted.path), end, headers };
        case 'elsewhere':
          exchange.redirect(admitted.url);
          return OVER;
        case 'without tenant':
          return { is: 'without tenant', headers };
        default:
          return OVER;
      }
    } catch (error) {
      const isRefused = isRefusal(error);
      if (isRefused) {
        this.#emitRefusal(error);
        if (error.status === 404) {
          await untilFloor(startedAt, this.#floorMs);
        }
      }
      this.answerOrRethrow(exchange, error, headers, isRefused);
      return OVER;
    }
  }

  /** Receives a request and runs `handle`, which resolves when the application is done with it. */
  async serve(exchange: HttpExchange<C>, handle: (entered?: Entered<T>) => Promise<unknown>): Promise<void> {
    const received = await this.receive(exchange);
    switch (received.is) {
      case 'exempt':
        await handle();
        return;
      case 'without tenant':
        try {
          await this.#scoped(exchange.ctx, undefined, () => this.withoutTenant(handle));
        } catch (error) {
          this.answerLate(exchange, error, received.headers);
        }
        return;
      case 'in tenant':
        try {
          const { lease } = received;
          await this.inTenant(received, () => this.#scoped(exchange.ctx, lease.tenant, () => handle(received)));
        } catch (error) {
          this.answerLate(exchange, error, received.headers);
        } finally {
          this.releaseAfter(exchange, received);
        }
    }
  }

  /** Runs `work` in the context of the tenant. */
  inTenant<R>({ lease, end }: Entered<T>, work: () => R | Promise<R>): Promise<R> {
    return lease.run(work, { caller: end });
  }

  /** Runs `work` with a fork of the central database, where the manager has one. */
  async withoutTenant<R>(work: () => R | Promise<R>): Promise<R> {
    return this.#central?.run(() => work()) ?? work();
  }

  /** Gives the tenant back when the response is over, or now if it is. */
  releaseAfter(exchange: HttpExchange<C>, { lease, end }: Entered<T>): void {
    const release = async (): Promise<void> => {
      try {
        await lease.release();
      } catch (error) {
        // The response is over, so it can only be reported.
        exchange.report(error);
      }
    };
    end.whenOver(() => void release());
  }

  /** Answers what the application threw, if it is the tenancy's to answer. Throws it again otherwise. */
  answerLate(exchange: HttpExchange<C>, error: unknown, headers: OutgoingHttpHeaders): void {
    if (error instanceof SessionOfOtherTenantError) {
      this.#emitRefusal(error);
    }
    // Nobody is there any more to be answered.
    if (!(error instanceof ClientGoneError)) {
      this.answerOrRethrow(exchange, error, headers);
    }
  }

  /** What failed (503) is reported, unless it is already. Headers that came after `headers` are dropped. */
  answerOrRethrow(exchange: HttpExchange<C>, error: unknown, headers: OutgoingHttpHeaders, isReported = false): void {
    if (!isAnswerable(error) || exchange.isAnswered) {
      throw error;
    }
    if (error.status > 500 && !isReported) {
      exchange.report(error);
    }
    exchange.answer(answerTo(error, exchange.req), headers);
  }

  #scoped<R>(ctx: C, tenant: T | undefined, work: () => R | Promise<R>): R | Promise<R> {
    return this.#scope === undefined ? work() : this.#scope.run(ctx, tenant, work);
  }

  #emitRefusal(error: TenancyError): void {
    const { events } = this.#manager;
    const { code, tenantId, cause } = error;
    events.emit('resolution:refused', { code, tenantId, ...(cause === undefined ? {} : { cause }) });
    if (error instanceof TenantAmbiguousError && tenantId !== undefined) {
      events.emit('resolution:disagreed', { tenantId, otherTenantId: error.otherTenantId, sources: error.sources });
    }
  }
}

interface EnteredRequest extends IncomingMessage {
  [ENTERED]?: true;
}

function assertFirstEntry(req: IncomingMessage): void {
  if (ENTERED in req) {
    throw new TenancyConfigurationError(
      'tenancy: this request has been through `tenancy` already. Use the middleware once on the way to a handler; ' +
        'for work in a second tenant call `manager.run(id, …)`.',
    );
  }
  (req as EnteredRequest)[ENTERED] = true;
}

function tenantPathOf(whole: string, path: string | undefined): string {
  if (path === undefined) {
    return '';
  }
  return whole.endsWith(path) ? whole.slice(0, -path.length) : whole;
}

/** Whether the error says that this client gets no tenant, rather than that something failed. */
function isRefusal(error: unknown): error is TenancyError {
  return (
    error instanceof TenancyError &&
    (error.status < 500 || error instanceof TenantUnavailableError || error instanceof TenantBehindError)
  );
}

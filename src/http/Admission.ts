import { TenantForbiddenError, TenantNotFoundError, TenantReadOnlyError, TenantSuspendedError } from '../errors.ts';
import { resolveTenant } from '../resolution/resolveTenant.ts';
import type { TenantResolver } from '../resolution/TenantRequest.ts';
import { statusOf, type Tenant } from '../tenant/Tenant.ts';
import { unavailabilityOf } from '../tenant/unavailabilityOf.ts';
import type { HttpTenantRequest } from './HttpTenantRequest.ts';
import { primaryUrlOf } from './primaryDomain.ts';
import type { ResponseEnd } from './ResponseEnd.ts';
import {
  type Authorize,
  checkedResolvers,
  type HttpTenancyOptions,
  type TenancyLease,
  type TenancyManager,
  trustResolution,
} from './TenancyOptions.ts';
import type { TenantScope } from './TenantScope.ts';

/** A request of a tenant, which is held open for it. */
export interface InTenant<T extends Tenant> {
  readonly is: 'in tenant';
  readonly lease: TenancyLease<T>;
  readonly path: string | undefined;
}

/** What becomes of a request. */
export type Admitted<T extends Tenant> =
  | InTenant<T>
  | { readonly is: 'without tenant' }
  | { readonly is: 'elsewhere'; readonly url: string }
  /** The client left meanwhile. */
  | { readonly is: 'over' };

const WITHOUT_TENANT = Object.freeze({ is: 'without tenant' });
const OVER = Object.freeze({ is: 'over' });

/** Methods that change nothing, by HTTP. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Finds the tenant of a request, and lets in who may use it now. */
export class Admission<C, T extends Tenant> {
  readonly #manager: TenancyManager<T>;
  readonly #options: HttpTenancyOptions<C, T>;
  readonly #resolvers: readonly TenantResolver<HttpTenantRequest<C>>[];
  readonly #authorize: Authorize<C, T>;

  constructor(manager: TenancyManager<T>, options: HttpTenancyOptions<C, T>, scope: TenantScope<C> | undefined) {
    const { authorize } = options;
    this.#manager = manager;
    this.#options = options;
    this.#resolvers = checkedResolvers(options);
    this.#authorize =
      scope === undefined ? authorize : (ctx, tenant) => scope.run(ctx, tenant, () => authorize(ctx, tenant));
  }

  /** Request headers that the tenant depends on. */
  get vary(): string[] {
    return this.#resolvers.flatMap((resolver) => resolver.vary ?? []);
  }

  /** Rejects with a `TenancyError` for a request that gets no tenant, unless it names none and `isOptional`. */
  async admit(request: HttpTenantRequest<C>, isOptional: boolean, end: ResponseEnd): Promise<Admitted<T>> {
    const { ctx, method } = request;
    const resolved = await resolveTenant(request, this.#resolvers, this.#manager.catalog, this.#options.sources);
    if (resolved === undefined) {
      if (isOptional) {
        return WITHOUT_TENANT;
      }
      throw new TenantNotFoundError();
    }
    const { tenant, path } = resolved;
    // Asked for every tenant that there is, whatever its status: only who may use one learns more of it.
    if ((await this.#authorize(ctx, tenant)) !== true) {
      throw new TenantForbiddenError(tenant.id);
    }
    this.#assertUsable(tenant);
    const url = this.#options.redirectsToPrimaryDomain === true ? primaryUrlOf(request, resolved) : undefined;
    if (url !== undefined) {
      return { is: 'elsewhere', url };
    }
    if (statusOf(tenant) === 'readonly' && !SAFE_METHODS.has(method)) {
      throw new TenantReadOnlyError(tenant.id, `${method} is refused`);
    }
    if (end.isOver) {
      return OVER;
    }
    const lease = await this.#manager.acquire(tenant.id);
    if (end.isOver) {
      await lease.release();
      return OVER;
    }
    return { is: 'in tenant', lease, path };
  }

  #assertUsable(tenant: T): void {
    const unavailability = unavailabilityOf(tenant);
    // `trustResolution` knows nobody, and so nobody who may hear more of a suspended tenant than that it is not there.
    if (unavailability?.tenantStatus === 'suspended' && this.#options.authorize !== trustResolution) {
      throw new TenantSuspendedError(tenant.id);
    }
    if (unavailability !== undefined) {
      throw unavailability;
    }
  }
}

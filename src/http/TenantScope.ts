import type { Tenant } from '../tenant/Tenant.ts';

/** Runs `work` with what a browser holds for this tenant alone, or rejects where it holds another's. */
export interface TenantScope<C> {
  run<R>(ctx: C, tenant: Tenant | undefined, work: () => R | Promise<R>): Promise<R>;
}

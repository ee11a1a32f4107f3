import Koa from 'koa';
import type { TenantOrmManager } from 'mikro-orm-multitenancy';
import { byDomain, byPath, bySubdomain, type TenancyState, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { answerErrors } from './answerErrors.ts';
import { houseRoutes } from './houses/routes.ts';
import { isPublic, publicRoutes } from './publicRoutes.ts';
import { refuseOtherSites } from './refuseOtherSites.ts';
import { tenantPage } from './tenantPage.ts';
import type { HouseTenant } from './tenants.ts';

export interface AppOptions {
  readonly manager: TenantOrmManager<HouseTenant>;
  /** Tenants are its subdomains. */
  readonly baseDomain: string;
}

/** What handlers find in `ctx.state`; without a tenant on the public routes only. */
export type AppState = Partial<TenancyState<HouseTenant>>;

/** The whole application, without a port. */
export function buildApp({ manager, baseDomain }: AppOptions): Koa<AppState> {
  const app = new Koa<AppState>();
  app.use(answerErrors);
  app.use(refuseOtherSites);
  app.use(
    tenancy(manager, {
      // In this order: /t/acme on any host, acme.localhost, acme.example. Names of two sources must agree.
      resolve: [byPath({ prefix: '/t' }), bySubdomain(baseDomain), byDomain()],
      // The demo is public. A real application asks here whether the user who is logged in belongs to the tenant,
      // as in `(ctx, tenant) => ctx.state.user.tenantIds.includes(tenant.id)`.
      authorize: trustResolution,
      exempt: (ctx) => isPublic(ctx, baseDomain),
    }),
  );
  const pages = publicRoutes(manager, baseDomain);
  const tenantPages = tenantPage(manager.em);
  const houses = houseRoutes(manager.em);
  app.use(pages.routes());
  app.use(tenantPages.routes());
  app.use(houses.routes()).use(houses.allowedMethods());
  return app;
}

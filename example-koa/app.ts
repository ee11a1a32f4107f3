import Koa from 'koa';
import {
  byDomain,
  byPath,
  bySubdomain,
  type TenancyState,
  tenancy,
  tenancyHealth,
  trustResolution,
} from 'mikro-orm-multitenancy/koa';
import { answerErrors } from './answerErrors.ts';
import type { HouseTenant } from './central/Customer.ts';
import { houseRoutes } from './houses/routes.ts';
import type { HouseManager } from './manager.ts';
import { isFront, publicRoutes } from './publicRoutes.ts';
import { refuseOtherSites } from './refuseOtherSites.ts';
import { signUpRoutes } from './signUp.ts';
import { tenantPage } from './tenantPage.ts';

export interface AppOptions {
  readonly manager: HouseManager;
  /** Tenants are its subdomains. */
  readonly baseDomain: string;
}

/** What handlers find in `ctx.state`; without a tenant on the public routes only. */
export type AppState = Partial<TenancyState<HouseTenant>>;

/** The whole application, without a port. */
export function buildApp({ manager, baseDomain }: AppOptions): Koa<AppState> {
  const app = new Koa<AppState>();
  app.use(answerErrors);
  // /health/live and /health/ready, on every host. They are no tenant's.
  app.use(tenancyHealth(manager));
  app.use(refuseOtherSites);
  app.use(
    tenancy(manager, {
      // In this order: /t/acme on any host, acme.localhost, acme.example. Names of two sources must agree.
      resolve: [byPath({ prefix: '/t' }), bySubdomain(baseDomain), byDomain()],
      // The demo is public. A real application asks here whether the user who is logged in belongs to the tenant,
      // as in `(ctx, tenant) => ctx.state.user.tenantIds.includes(tenant.id)`.
      authorize: trustResolution,
      // The front page and the sign-up have no tenant, and the central database.
      mode: (ctx) => (isFront(ctx, baseDomain) ? 'central' : 'tenant'),
    }),
  );
  const addressOf = (id: string, host: string): string => `http://${id}.${baseDomain}${/:\d+$/.exec(host)?.[0] ?? ''}/`;
  const pages = publicRoutes(manager, addressOf);
  const signUp = signUpRoutes(manager, addressOf);
  const tenantPages = tenantPage(manager.em);
  const houses = houseRoutes(manager.em);
  app.use(pages.routes());
  app.use(signUp.routes());
  app.use(tenantPages.routes());
  app.use(houses.routes()).use(houses.allowedMethods());
  return app;
}

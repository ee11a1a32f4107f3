import type { Tenant } from 'mikro-orm-multitenancy';

/** A tenant of this application, with columns of its own beside the library's. */
export interface HouseTenant extends Tenant {
  readonly name: string;
  /** A CSS colour, so that one sees whose page it is. */
  readonly colour: string;
}

/**
 * The demo's tenants. An application that takes on customers while it runs keeps them in a database instead, behind
 * the library's `TenantCatalog`.
 */
export const DEMO_TENANTS: readonly HouseTenant[] = [
  {
    id: 'acme',
    name: 'Acme Homes',
    colour: '#b3261e',
    // A prefix, because a server of one's own may well have a database "acme" already.
    database: 'example_koa_acme',
    domains: ['acme.example'],
  },
  {
    id: 'globex',
    name: 'Globex Estates',
    colour: '#146c2e',
    database: 'example_koa_globex',
    domains: ['globex.example', 'homes.globex.example'],
  },
  {
    id: 'initech',
    name: 'Initech Realty',
    colour: '#0b57d0',
    database: 'example_koa_initech',
    domains: ['initech.example'],
  },
];

import type { NewTenant } from 'mikro-orm-multitenancy';
import type { HouseTenant } from './central/Customer.ts';

/** A prefix, because a server of one's own may well have a database "acme" already. */
export const DATABASE_PREFIX = 'example_koa_';

export type NewHouseTenant = NewTenant<HouseTenant>;

/** The tenants that are there from the beginning. Others sign up. */
export const DEMO_TENANTS: readonly NewHouseTenant[] = [
  { id: 'acme', name: 'Acme Homes', colour: '#b3261e', plan: 'estate', domains: ['acme.example'] },
  {
    id: 'globex',
    name: 'Globex Estates',
    colour: '#146c2e',
    plan: 'estate',
    domains: ['globex.example', 'homes.globex.example'],
  },
  { id: 'initech', name: 'Initech Realty', colour: '#0b57d0', plan: 'free', domains: ['initech.example'] },
];

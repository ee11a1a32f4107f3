import { defineEntity, p } from '@mikro-orm/core';
import { TenantEntity, type TenantOf } from 'mikro-orm-multitenancy';

/** The library's row of a tenant, with columns of this application. */
export const Customer = defineEntity({
  name: 'Customer',
  extends: TenantEntity,
  properties: {
    name: p.string().length(60),
    /** A CSS colour, so that one sees whose page it is. */
    colour: p.string().length(7),
    /** The id of a `Plan`. */
    plan: p.string().length(20).default('free'),
  },
});

/** A tenant as handlers see it. */
export type HouseTenant = TenantOf<typeof Customer>;

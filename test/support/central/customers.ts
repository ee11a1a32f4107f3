import { defineEntity, p } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { type CentralOptions, TenantEntity, type TenantOf, type TenantOrmManager } from 'mikro-orm-multitenancy';

/** Shared by all tenants. */
export const Plan = defineEntity({ name: 'Plan', properties: { id: p.integer().primary(), name: p.string() } });

export class PlanMigration extends Migration {
  override up(): void {
    this.addSql('create table plan (id serial primary key, name varchar(255) not null)');
    this.addSql(
      "alter table tenancy_tenants add column tier varchar(255) not null default 'free', add column seats int",
    );
  }
}

/** A tenant with columns of the application's. */
export const Customer = defineEntity({
  name: 'Customer',
  extends: TenantEntity,
  properties: {
    tier: p.string().default('free'),
    seats: p.integer().nullable(),
  },
});

export type CustomerTenant = TenantOf<typeof Customer>;
export type CustomerManager = TenantOrmManager<CustomerTenant>;

export const customers = {
  tenant: Customer,
  orm: { entities: [Plan], migrations: { migrationsList: [PlanMigration] } },
} as const satisfies Partial<CentralOptions>;

// What the blocks of docs/central.md import as './central.ts', which its first block is.
import { defineEntity, p } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { TenantEntity, TenantOrmManager } from 'mikro-orm-multitenancy';
import { House } from './docs.manager.ts';

export const Plan = defineEntity({ name: 'Plan', properties: { id: p.integer().primary(), name: p.string() } });

export const Customer = defineEntity({
  name: 'Customer',
  extends: TenantEntity,
  properties: {
    plan: p.string().default('free'),
    metadata: p.json<{ colour?: string }>().default('{}'),
  },
});

export class AddPlans extends Migration {
  override up(): void {
    this.addSql('create table plan (id serial primary key, name varchar(255) not null)');
    this.addSql("alter table tenancy_tenants add column plan varchar(255) not null default 'free'");
  }
}

export const manager = await TenantOrmManager.init({
  orm: { entities: [House] },
  server: 'postgresql://localhost:5432',
  central: {
    database: 'central',
    tenant: Customer,
    orm: { entities: [Plan], migrations: { migrationsList: [AddPlans] } },
  },
});

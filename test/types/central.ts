// Checked by `npm run typecheck`; never run. The columns that an application adds to its tenants, in its handlers.
import { Collection, defineEntity, type Opt, p } from '@mikro-orm/core';
import { Entity, OneToMany, Property } from '@mikro-orm/decorators/es';
import type { Middleware } from 'koa';
import { TenantEntity, type TenantOf, TenantOrmManager } from 'mikro-orm-multitenancy';
import { bySubdomain, type TenancyState, tenancy } from 'mikro-orm-multitenancy/koa';
import { type Equal, expectType } from './expectType.ts';

const server = 'postgresql://localhost';
const orm = { entities: [] };

const Schema = defineEntity({
  name: 'Customer',
  extends: TenantEntity,
  properties: {
    plan: p.string(),
    tier: p.string().default('free'),
    seats: p.integer().nullable(),
    metadata: p.json<{ colour: string }>(),
  },
});

export async function bySchema(): Promise<void> {
  const manager = await TenantOrmManager.init({ orm, server, central: { database: 'central', tenant: Schema } });
  await manager.run('acme', (_em, tenant) => {
    expectType<Equal<typeof tenant.plan, string>>();
    expectType<Equal<typeof tenant.tier, string>>();
    expectType<Equal<typeof tenant.seats, number | null | undefined>>();
    expectType<Equal<typeof tenant.metadata.colour, string>>();
    expectType<Equal<typeof tenant.revision, number>>();
    expectType<Equal<typeof tenant.server, string>>();
    // @ts-expect-error no such column
    void tenant.colour;
    // @ts-expect-error it is the catalogue's
    tenant.plan = 'gold';
  });
  const middleware: Middleware<TenancyState<TenantOf<typeof Schema>>> = tenancy(manager, {
    resolve: bySubdomain('example.com'),
    authorize: (_ctx, tenant) => tenant.plan === 'gold' && tenant.metadata.colour !== 'red',
  });
  void middleware;
  await manager.central.tenants.create({ id: 'acme', plan: 'gold', metadata: { colour: 'red' } });
  // @ts-expect-error a plan is required
  await manager.central.tenants.create({ id: 'acme' });
  // @ts-expect-error a plan is a string
  await manager.central.tenants.create({ id: 'acme', plan: 1 });
  const changed = await manager.central.tenants.update('acme', { seats: 3 }, { revision: 1 });
  expectType<Equal<typeof changed.tier, string>>();
  // @ts-expect-error the status has a method of its own
  await manager.central.tenants.update('acme', { status: 'active' });
  await manager.central.run(async (em) => {
    const row = await em.findOneOrFail(Schema, { plan: 'gold' });
    expectType<Equal<typeof row.plan, string>>();
  });
}

@Entity()
class Invoice extends TenantEntity {
  @OneToMany(() => Invoice, 'id')
  others = new Collection<Invoice>(this);

  declare metadata: { colour: string };

  @Property({ type: 'string' })
  plan!: string;

  @Property({ type: 'integer' })
  seats: number & Opt = 5;

  describe(): string {
    return this.plan;
  }
}

export async function byDecorators(): Promise<void> {
  const manager = await TenantOrmManager.init({ orm, server, central: { database: 'central', tenant: Invoice } });
  const tenant = await manager.catalog.find('acme');
  if (tenant !== undefined) {
    expectType<Equal<typeof tenant.plan, string>>();
    expectType<Equal<typeof tenant.seats, number>>();
    expectType<Equal<typeof tenant.metadata.colour, string>>();
    // @ts-expect-error a method of the row is none of the tenant
    void tenant.describe;
    // @ts-expect-error nor is a collection
    void tenant.others;
  }
  await manager.central.tenants.create({ id: 'acme', plan: 'gold' });
  await manager.central.tenants.create({ id: 'acme', plan: 'gold', seats: 2 });
}

export async function withoutColumns(): Promise<void> {
  const manager = await TenantOrmManager.init({ orm, server, central: { database: 'central' } });
  const created = await manager.central.tenants.create({ id: 'acme', metadata: { colour: 'red' } });
  expectType<Equal<typeof created.metadata, Readonly<Record<string, unknown>>>>();
  // @ts-expect-error no such column
  await manager.central.tenants.create({ id: 'acme', plan: 'gold' });
}

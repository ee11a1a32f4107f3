import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type TenancyEvents,
  TenantClosedError,
  TenantNotFoundError,
  TenantUnavailableError,
} from 'mikro-orm-multitenancy';
import { CentralWorld } from '../../support/central/CentralWorld.ts';
import type { CustomerManager } from '../../support/central/customers.ts';
import { sessionsIn } from '../../support/databases.ts';
import { House, until } from '../../support/manager/TestTenants.ts';

type Evicted = TenancyEvents['tenant:evicted'];

describe('a tenant that another process changes', () => {
  let world: CentralWorld;
  let here: CustomerManager;
  let there: CustomerManager;
  let database: string;
  let serial = 0;
  let id: string;
  const evicted: Evicted[] = [];

  beforeAll(async () => {
    world = await CentralWorld.create();
    here = await world.manager();
    // By polling alone: NOTIFY is off.
    there = await world.manager({ cache: { notify: false, pollIntervalMs: 100 } });
    there.events.on('tenant:evicted', (event) => evicted.push(event));
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** A new tenant that is open in the other process, with a connection. */
  async function open(): Promise<void> {
    serial += 1;
    id = `tenant-${serial}`;
    database = await world.tenantDatabase(`let_go_${serial}`);
    await here.central.tenants.create({ id, database, tier: 'gold' });
    await until(async () => (await there.catalog.find(id)) !== undefined, 'the tenant is not heard of');
    await there.run(id, (em) => em.count(House));
    expect(await sessionsIn([database])).toBe(1);
    evicted.length = 0;
  }

  const isLetGo = (reason: Evicted['reason']) =>
    until(async () => evicted.some((event) => event.tenantId === id && event.reason === reason), `it is not ${reason}`);
  const hasNoSession = () => until(async () => (await sessionsIn([database])) === 0, 'a connection is left');

  it.each(['suspended', 'maintenance', 'archived', 'dropping'] as const)(
    'to %s is let go, its connections too',
    async (status) => {
      await open();
      await here.central.tenants.setStatus(id, status);
      await isLetGo('unavailable');
      await hasNoSession();
      await expect(there.run(id, () => {})).rejects.toThrow(TenantUnavailableError);
    },
  );

  it('is let go when it is deleted, and comes back with another database under the same id', async () => {
    await open();
    await here.central.tenants.delete(id);
    await isLetGo('deleted');
    await hasNoSession();
    await expect(there.run(id, () => {})).rejects.toThrow(TenantNotFoundError);
    const next = await world.tenantDatabase('let_go_again');
    await here.central.tenants.create({ id, database: next, tier: 'gold' });
    await until(async () => (await there.catalog.find(id)) !== undefined, 'the tenant is not heard of');
    const name = await there.run(id, (em) => em.execute<{ name: string }[]>('select current_database() as name'));
    expect(name).toEqual([{ name: next }]);
  });

  it('is let go under its old id when it is renamed', async () => {
    await open();
    await here.central.tenants.rename(id, `${id}-renamed`);
    await isLetGo('deleted');
    await hasNoSession();
    expect(await there.run(`${id}-renamed`, (em) => em.count(House))).toBe(0);
  });

  it('is let go when it moves, before anybody asks for it', async () => {
    await open();
    const next = await world.tenantDatabase('moved');
    await here.central.tenants.update(id, { database: next });
    await isLetGo('moved');
    await hasNoSession();
  });

  it('to readonly has no connection left that could write', async () => {
    await open();
    await here.central.tenants.setStatus(id, 'readonly');
    await isLetGo('moved');
    await hasNoSession();
    await expect(there.run(id, (em) => em.insert(House, { address: 'late' }))).rejects.toThrow();
    expect(await there.run(id, (em) => em.count(House))).toBe(0);
  });

  it('stays open when something else of it changes, or somebody works on it by name', async () => {
    await open();
    await here.central.tenants.update(id, { tier: 'silver' });
    await until(async () => (await there.catalog.find(id))?.tier === 'silver', 'the change is not heard of');
    expect(there.stats().handles.open).toBeGreaterThan(0);
    await here.central.tenants.setStatus(id, 'suspended');
    await isLetGo('unavailable');
    evicted.length = 0;
    await there.run(
      id,
      async (em) => {
        await here.central.tenants.update(id, { tier: 'bronze' });
        await until(async () => (await there.catalog.find(id))?.tier === 'bronze', 'the change is not heard of');
        expect(await em.count(House)).toBe(0);
      },
      { allow: ['suspended'] },
    );
    expect(evicted).toEqual([]);
    await here.central.tenants.setStatus(id, 'active');
    await until(async () => (await there.catalog.find(id))?.status === 'active', 'the change is not heard of');
    await there.run(id, (em) => em.count(House));
    await here.central.tenants.setStatus(id, 'suspended');
    await isLetGo('unavailable');
  });

  it('finishes what is under way, nested in other tenants as well, and begins nothing more', async () => {
    await open();
    const other = id;
    await open();
    const lease = await there.acquire(id);
    await there.run(other, async (outer) => {
      await there.run(id, async (em) => {
        await here.central.tenants.setStatus(id, 'suspended');
        await until(async () => (await there.catalog.find(id))?.status === 'suspended', 'the change is not heard of');
        await em.insert(House, { address: 'under way' });
        await expect(there.run(id, () => {})).rejects.toThrow(TenantUnavailableError);
        expect(await em.count(House)).toBe(1);
      });
      expect(await outer.count(House)).toBe(0);
    });
    expect(evicted).toEqual([]);
    const late = lease.orm.em.fork();
    lease.release();
    await isLetGo('unavailable');
    await expect(late.count(House)).rejects.toThrow(TenantClosedError);
    await hasNoSession();
  });
});

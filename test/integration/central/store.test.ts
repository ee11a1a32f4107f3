import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  TenancyConfigurationError,
  TenantChangedError,
  TenantConflictError,
  TenantNotFoundError,
  TenantUnavailableError,
} from 'mikro-orm-multitenancy';
import { CentralWorld } from '../../support/central/CentralWorld.ts';
import { Customer, type CustomerManager, Plan } from '../../support/central/customers.ts';
import { uniqueName } from '../../support/databases.ts';
import { House } from '../../support/manager/TestTenants.ts';

describe('the store of tenants', () => {
  let world: CentralWorld;
  let manager: CustomerManager;
  let other: CustomerManager;
  beforeAll(async () => {
    world = await CentralWorld.create();
    manager = await world.manager();
    // Of another process, which neither polls nor listens in time.
    other = await world.manager({ cache: { notify: false, pollIntervalMs: 600_000 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());
  const create = (id = uniqueName('t').replaceAll('_', '-')) => manager.central.tenants.create({ id });

  it('creates a tenant that this process finds at once, by its id and its domains', async () => {
    const created = await manager.central.tenants.create({
      ...{ id: 'acme', database: 'acme_db', server: 'eu', status: 'provisioning', tier: 'gold', seats: 3 },
      ...{ metadata: { colours: ['red'] }, domains: ['acme.com', 'BÜCHER.de'] },
    });
    expect(created).toMatchObject({
      ...{ id: 'acme', database: 'acme_db', server: 'eu', status: 'provisioning', tier: 'gold', seats: 3 },
      ...{ metadata: { colours: ['red'] }, domains: ['acme.com', 'xn--bcher-kva.de'] },
    });
    expect(await manager.catalog.find('acme')).toEqual(created);
    expect((await manager.catalog.findByDomain('xn--bcher-kva.de'))?.id).toBe('acme');
    expect(Object.isFrozen(created.metadata['colours'])).toBe(true);
  });

  it('fills in what is left out', async () => {
    const { id, database, server, status, metadata, tier, seats, domains, revision } = await create('plain');
    expect({ id, database, server, status, metadata, tier, seats, domains, revision }).toEqual({
      ...{ id: 'plain', database: 'plain', server: 'default', status: 'active', metadata: {}, tier: 'free' },
      ...{ seats: null, domains: [], revision: 1 },
    });
  });

  it('refuses an id, a database or a domain that is taken, and writes nothing then', async () => {
    const taken = await manager.central.tenants.create({ id: 'taken', domains: ['taken.com'] });
    for (const tenant of [
      { id: 'taken', database: 'free' },
      { id: 'free', database: 'taken' },
      { id: 'free', domains: ['free.com', 'taken.com'] },
    ]) {
      const refused = manager.central.tenants.create(tenant);
      await expect(refused).rejects.toThrow(TenantConflictError);
      await expect(refused).rejects.toMatchObject({ code: 'TENANT_CONFLICT', status: 409, tenantId: tenant.id });
    }
    expect(await manager.central.fork().count(Customer, { id: 'free' })).toBe(0);
    expect((await manager.central.tenants.create({ id: 'free', database: 'taken', server: 'eu' })).server).toBe('eu');
    expect((await manager.catalog.findByDomain('taken.com'))?.id).toBe(taken.id);
  });

  it.each([
    ['a reserved id', { id: 'www' }],
    ['a bad id', { id: 'Acme' }],
    ['a database name of 64 bytes', { id: 'long', database: 'é'.repeat(32) }],
    ['a status that is none', { id: 'odd', status: 'gone' as 'active' }],
    ['a public suffix', { id: 'suffix', domains: ['co.uk'] }],
    ['an empty server', { id: 'nowhere', server: '' }],
  ])('refuses to create a tenant with %s', async (_what, tenant) => {
    await expect(manager.central.tenants.create(tenant)).rejects.toThrow(TenancyConfigurationError);
  });

  it('gives no tenant the central database, which by default would be that of a tenant with its name', async () => {
    const id = world.database.replaceAll('_', '-');
    await expect(manager.central.tenants.create({ id, database: world.database })).rejects.toThrow(
      /is the central one/,
    );
    const { id: plain } = await create();
    const moved = manager.central.tenants.update(plain, { database: world.database, server: 'eu' });
    await expect(moved).rejects.toThrow(/is the central one/);
  });

  it('changes columns, and adds one to the revision for each change', async () => {
    const { id } = await create();
    const changed = await manager.central.tenants.update(id, { seats: 7, metadata: { a: 1 }, database: `${id}-2` });
    expect(changed).toMatchObject({ seats: 7, metadata: { a: 1 }, database: `${id}-2`, tier: 'free', revision: 2 });
    expect(await manager.catalog.find(id)).toEqual(changed);
    expect(changed.updatedAt.getTime()).toBeGreaterThan(changed.createdAt.getTime());
    await expect(manager.central.tenants.update(id, { status: 'active' } as object)).rejects.toThrow(/`status`/);
    await expect(manager.central.tenants.update(id, { database: 'x'.repeat(64) })).rejects.toThrow(/64 bytes/);
  });

  it('refuses a change by somebody who saw an older revision, and lets one of two at once through', async () => {
    const { id, revision } = await create();
    const both = await Promise.allSettled([
      manager.central.tenants.update(id, { seats: 1 }, { revision }),
      other.central.tenants.setStatus(id, 'suspended', { revision }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = manager.central.tenants.delete(id, { revision });
    await expect(refused).rejects.toThrow(TenantChangedError);
    await expect(refused).rejects.toThrow(/at revision 2, not 1 any more/);
  });

  it('counts the changes of an application’s own EntityManager and of plain SQL as well', async () => {
    const { id } = await create();
    await manager.central.run(async (em) => {
      const row = await em.findOneOrFail(Customer, { id });
      row.seats = 9;
      await em.flush();
      expect(row.revision).toBe(2);
      await world.query('update tenancy_tenants set seats = 10 where id = $1', [id]);
      row.seats = 11;
      await expect(em.flush()).rejects.toThrow(/optimistic lock/);
    });
    expect(await other.catalog.find(id)).toMatchObject({ seats: 10, revision: 3 });
  });

  it('renames a tenant with its domains', async () => {
    const { id } = await create();
    await manager.central.tenants.addDomain(id, `${id}.com`, { isVerified: true });
    expect(await manager.catalog.find(id)).toBeDefined();
    const renamed = await manager.central.tenants.rename(id, `${id}-new`);
    expect(renamed).toMatchObject({ id: `${id}-new`, database: id, domains: [`${id}.com`] });
    expect(await manager.catalog.find(id)).toBeUndefined();
    expect((await manager.catalog.findByDomain(`${id}.com`))?.id).toBe(`${id}-new`);
    await expect(manager.central.tenants.rename(`${id}-new`, 'admin')).rejects.toThrow(/reserved/);
    await expect(manager.central.tenants.rename(`${id}-new`, 'plain')).rejects.toThrow(TenantConflictError);
  });

  it('forgets a tenant and its domains, so that both can be had again', async () => {
    const { id } = await create();
    await manager.central.tenants.addDomain(id, `${id}.com`, { isVerified: true });
    expect(await manager.central.tenants.delete(id)).toMatchObject({ id, domains: [`${id}.com`] });
    expect(await manager.catalog.find(id)).toBeUndefined();
    expect(await manager.catalog.findByDomain(`${id}.com`)).toBeUndefined();
    await expect(manager.central.tenants.delete(id)).rejects.toThrow(TenantNotFoundError);
    await manager.central.tenants.create({ id, domains: [`${id}.com`] });
    expect((await manager.catalog.findByDomain(`${id}.com`))?.id).toBe(id);
  });

  it('lets a domain lead to its tenant once it is verified, and no sooner', async () => {
    const { id } = await create();
    const domain = `${id}.org`;
    const added = await manager.central.tenants.addDomain(id, domain);
    expect(added.domainDetails).toEqual([{ domain, isPrimary: true, verifiedAt: undefined }]);
    expect(added.domains).toEqual([]);
    expect(await manager.catalog.findByDomain(domain)).toBeUndefined();
    expect(await other.catalog.findByDomain(domain)).toBeUndefined();
    const verified = await manager.central.tenants.verifyDomain(id, domain);
    expect(verified.domains).toEqual([domain]);
    expect((await manager.catalog.findByDomain(domain))?.id).toBe(id);
    expect(await manager.central.tenants.findDomain(domain)).toMatchObject({ tenantId: id, isPrimary: true });
    await manager.central.tenants.removeDomain(id, domain);
    expect(await manager.catalog.findByDomain(domain)).toBeUndefined();
    expect(await manager.central.tenants.findDomain(domain)).toBeUndefined();
  });

  it('has one primary domain of a tenant, first in the list', async () => {
    const { id } = await create();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => `${name}.${id}.net`) as [string, string, string];
    await manager.central.tenants.addDomain(id, b, { isVerified: true });
    await manager.central.tenants.addDomain(id, a, { isVerified: true });
    expect((await manager.central.tenants.addDomain(id, c, { isVerified: true, isPrimary: true })).domains).toEqual([
      ...[c, a, b],
    ]);
    expect((await manager.central.tenants.setPrimaryDomain(id, a)).domains).toEqual([a, b, c]);
    await expect(manager.central.tenants.setPrimaryDomain(id, 'elsewhere.com')).rejects.toThrow(/has no domain/);
    const stranger = await create();
    await expect(manager.central.tenants.removeDomain(stranger.id, a)).rejects.toThrow(/has no domain/);
    await expect(manager.central.tenants.addDomain(stranger.id, a)).rejects.toThrow(/its domain is taken/);
  });

  it('takes part in a transaction of the central database', async () => {
    const { id } = await create();
    const work = manager.central.run((em) =>
      em.transactional(async (tx) => {
        await tx.insert(Plan, { name: id });
        const changed = await manager.central.tenants.setStatus(id, 'suspended', { em: tx });
        expect(changed.status).toBe('suspended');
        throw new Error('undo');
      }),
    );
    await expect(work).rejects.toThrow('undo');
    expect((await manager.catalog.find(id))?.status).toBe('active');
    await manager.central.run((em) =>
      em.transactional((tx) => manager.central.tenants.setStatus(id, 'maintenance', { em: tx })),
    );
    expect((await world.query('select status from tenancy_tenants where id = $1', [id]))[0]).toEqual({
      status: 'maintenance',
    });
  });

  it('keeps transactions of a caller out of its own', async () => {
    const { id } = await create();
    await manager.central.run((em) =>
      em
        .transactional(async () => {
          await manager.central.tenants.update(id, { seats: 4 });
          throw new Error('undo');
        })
        .catch(() => {}),
    );
    expect((await manager.catalog.find(id))?.seats).toBe(4);
  });

  it('changes what a tenant may be used for at once', async () => {
    const database = await world.tenantDatabase('status');
    await manager.central.tenants.create({ id: 'state', database });
    const count = (allow?: readonly 'suspended'[]) => manager.run('state', (em) => em.count(House), { allow });
    expect(await count()).toBe(0);
    await manager.central.tenants.setStatus('state', 'suspended');
    await expect(count()).rejects.toThrow(TenantUnavailableError);
    expect(await count(['suspended'])).toBe(0);
    for (const status of ['provisioning', 'maintenance', 'archived', 'dropping', 'failed'] as const) {
      await manager.central.tenants.setStatus('state', status);
      await expect(count(['suspended'])).rejects.toMatchObject({ tenantStatus: status });
    }
    await manager.central.tenants.setStatus('state', 'readonly');
    expect(await count()).toBe(0);
  });
});

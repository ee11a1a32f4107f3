import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/core';
import { NoTenantError } from 'mikro-orm-multitenancy';
import { Person } from './entities.ts';
import { tenantReached } from './reached.ts';
import { TenantWorld } from './TenantWorld.ts';

/** A service with MikroORM's decorators on its methods, and `manager.em` for its EntityManager. */
export interface DecoratedService {
  readonly em: EntityManager;
  /** `@Transactional()`: adds two people, and throws between them if asked to. */
  addTwo(fail: boolean): Promise<void>;
  /** `@Transactional()`: calls {@link addTwo}, then throws. */
  addTwoAndFail(): Promise<void>;
  /** `@CreateRequestContext()`: the EntityManager that a handler finds there. */
  inNewContext<R>(work: (em: EntityManager | undefined) => Promise<R>): Promise<R>;
  /** `@EnsureRequestContext()`: the same. */
  inSameContext<R>(work: (em: EntityManager | undefined) => Promise<R>): Promise<R>;
}

/** What a service must do whichever kind of decorators it is written with. */
export function decoratedServiceCases(Service: new (em: EntityManager) => DecoratedService): void {
  let world: TenantWorld;
  let service: DecoratedService;
  beforeAll(async () => {
    world = await TenantWorld.create();
    service = new Service(world.manager.em);
  });
  beforeEach(() => world.databases.reset());
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  const people = async (): Promise<number[]> => {
    const dump = (await world.databases.dump(['person'])) as Record<string, { person: unknown[] }>;
    return ['acme', 'globex'].map((id) => dump[id]?.person.length ?? 0);
  };

  it('@Transactional commits in the tenant of the call', async () => {
    await world.manager.run('globex', () => service.addTwo(false));
    expect(await people()).toEqual([3, 5]);
  });

  it('@Transactional undoes everything when the method throws', async () => {
    await expect(world.manager.run('acme', () => service.addTwo(true))).rejects.toThrow('between');
    expect(await people()).toEqual([3, 3]);
  });

  it('@Transactional joins the transaction around it', async () => {
    await expect(world.manager.run('acme', () => service.addTwoAndFail())).rejects.toThrow('after');
    expect(await people()).toEqual([3, 3]);
  });

  it('@Transactional of two tenants at once keeps them apart', async () => {
    const [acme, globex] = await Promise.allSettled([
      world.manager.run('acme', () => service.addTwo(true)),
      world.manager.run('globex', () => service.addTwo(false)),
    ]);
    expect([acme.status, globex.status]).toEqual(['rejected', 'fulfilled']);
    expect(await people()).toEqual([3, 5]);
  });

  it('@Transactional throws outside a tenant', async () => {
    await expect(service.addTwo(false)).rejects.toThrow(NoTenantError);
  });

  it('@CreateRequestContext makes a new fork of the same tenant, which manager.em follows', async () => {
    for (const id of ['acme', 'globex']) {
      await world.manager.run(id, async (outer) => {
        await service.inNewContext(async (em) => {
          expect(em).toBeDefined();
          expect(em?.id).not.toBe(outer.id);
          expect(service.em.id).toBe(em?.id);
          expect(await tenantReached(service.em)).toBe(id);
        });
        expect(service.em.id).toBe(outer.id);
      });
    }
  });

  it('@CreateRequestContext leaves the transaction around it', async () => {
    await world.manager.run('acme', (outer) =>
      outer.transactional(async (transaction) => {
        await transaction.insert(Person, { name: 'not committed yet' });
        await service.inNewContext(async () => {
          expect(service.em.isInTransaction()).toBe(false);
          expect(await service.em.count(Person)).toBe(3);
        });
        expect(await service.em.count(Person)).toBe(4);
      }),
    );
  });

  it('@CreateRequestContext throws outside a tenant', async () => {
    await expect(service.inNewContext(async () => {})).rejects.toThrow(NoTenantError);
  });

  it("@EnsureRequestContext keeps the run's fork", async () => {
    await world.manager.run('acme', (outer) =>
      service.inSameContext(async (em) => {
        expect(em === outer).toBe(true);
        expect(service.em.id).toBe(outer.id);
      }),
    );
  });
}

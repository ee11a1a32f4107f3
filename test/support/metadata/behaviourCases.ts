import { expect } from '@jest/globals';
import { OptimisticLockError, wrap } from '@mikro-orm/core';
import type { Cases } from './describeCases.ts';
import { type BehaviourModel, Money, ShelfRepository } from './Library.ts';

const price = new Money(1234n, 'EUR');

/** What entities do beside holding data, in the styles that can say it. */
export const behaviourCases: Cases<BehaviourModel> = {
  'runs each hook once, and the subscriber of its own tenant': async (model, { em, tenant, others }) => {
    const shelf = em.create(model.Shelf, { label: `Shelf of ${tenant}`, price });
    await others();
    await em.flush();
    expect(shelf).toMatchObject({ slug: `shelf-of-${tenant}`, created: 1, updated: 0, tenantsSeen: 1 });
    expect(shelf.seenIn).toBe(em.config.get('dbName'));
    shelf.label = `Other of ${tenant}`;
    await em.flush();
    expect(shelf).toMatchObject({ slug: `other-of-${tenant}`, created: 1, updated: 1 });
    expect(shelf.createdAt).toBeInstanceOf(Date);
    expect(shelf.updatedAt.getTime()).toBeGreaterThanOrEqual(shelf.createdAt.getTime());
    const loaded = await em.fork().findOneOrFail(model.Shelf, shelf.id);
    expect(loaded).toMatchObject({ isLoaded: true, created: 1, updated: 1 });
  },

  'keeps a custom type, an embeddable and a lazy property': async (model, { em, tenant, others }) => {
    const address = { street: `Road of ${tenant}`, city: 'Ghent' };
    const { id } = em.create(model.Shelf, { label: tenant, price, address, notes: `notes of ${tenant}` } as never);
    await em.flush();
    em.clear();
    const shelf = await em.findOneOrFail(model.Shelf, { label: tenant });
    expect(id === undefined || id === shelf.id).toBe(true);
    await others();
    expect(shelf.price).toEqual(price);
    expect(shelf.address).toMatchObject(address);
    expect(shelf.notes?.isInitialized()).toBe(false);
    expect(await shelf.notes?.load()).toBe(`notes of ${tenant}`);
    shelf.price = new Money(5n, 'USD');
    (shelf.address as NonNullable<typeof shelf.address>).city = 'Bruges';
    await em.flush();
    const [row] = await em.execute('select price, address_city from shelf');
    expect(row).toEqual({ price: '0.05 USD', address_city: 'Bruges' });
    expect(await em.fork().count(model.Shelf, { price: new Money(5n, 'USD') })).toBe(1);
    expect(await em.fork().count(model.Shelf, { address: { city: 'Bruges' } })).toBe(1);
  },

  'computes a formula and finds through its own repository': async (model, { em, tenant, others }) => {
    em.create(model.Shelf, { label: tenant, price });
    await em.flush();
    em.clear();
    await others();
    const repository = em.getRepository(model.Shelf);
    expect(repository).toBeInstanceOf(ShelfRepository);
    expect((await repository.labelled(tenant)).loudLabel).toBe(tenant.toUpperCase());
  },

  'applies a filter with the parameters of its own tenant': async (model, { em, tenant, others }) => {
    for (const label of [tenant, `other than ${tenant}`]) {
      em.create(model.Shelf, { label, price });
    }
    await em.flush();
    em.setFilterParams('labelled', { label: tenant });
    await others();
    const found = await em.find(model.Shelf, {}, { filters: ['labelled'] });
    expect(found.map(({ label }) => label)).toEqual([tenant]);
    expect(await em.count(model.Shelf, {}, { filters: { labelled: { label: `other than ${tenant}` } } })).toBe(1);
    expect(await em.count(model.Shelf)).toBe(2);
  },

  'refuses a stale version': async (model, { em, tenant, others }) => {
    const shelf = em.create(model.Shelf, { label: tenant, price });
    await em.flush();
    expect(shelf.version).toBe(1);
    const [first, second] = [em.fork(), em.fork()];
    const fresh = await first.findOneOrFail(model.Shelf, shelf.id);
    const stale = await second.findOneOrFail(model.Shelf, shelf.id);
    await others();
    fresh.label = `${tenant}, changed`;
    await first.flush();
    expect(fresh.version).toBe(2);
    stale.label = `${tenant}, too late`;
    await expect(second.flush()).rejects.toThrow(OptimisticLockError);
  },

  'removes an orphan, and children with their parent': async (model, { em, tenant, others }) => {
    const shelf = em.create(model.Shelf, { label: tenant, price });
    shelf.boxes.add(
      em.create(model.Box, { label: `one of ${tenant}`, shelf }),
      em.create(model.Box, { label: `two of ${tenant}`, shelf }),
    );
    await em.flush();
    em.clear();
    const loaded = await em.findOneOrFail(model.Shelf, shelf.id, { populate: ['boxes'] });
    await others();
    const [box] = loaded.boxes.getItems();
    loaded.boxes.remove(box as NonNullable<typeof box>);
    await em.flush();
    expect(await em.fork().count(model.Box)).toBe(1);
    em.remove(loaded);
    await em.flush();
    expect(await em.fork().count(model.Box)).toBe(0);
    em.create(model.Shelf, { label: tenant, price });
    await em.flush();
  },

  'loads each child of a single table as its own class': async (model, { em, tenant, others }) => {
    em.create(model.Cat, { name: `Tom of ${tenant}`, lives: 9 });
    em.create(model.Dog, { name: `Rex of ${tenant}`, tricks: ['sit', 'roll'] });
    await em.flush();
    em.clear();
    await others();
    const [rex, tom] = await em.find(model.Animal, {}, { orderBy: { name: 1 } });
    expect(wrap(tom as object).toPOJO()).toMatchObject({ name: `Tom of ${tenant}`, lives: 9 });
    expect(wrap(rex as object).toPOJO()).toMatchObject({ name: `Rex of ${tenant}`, tricks: ['sit', 'roll'] });
    expect(tom?.constructor).not.toBe(rex?.constructor);
    expect(await em.count(model.Cat)).toBe(1);
    Object.assign(tom as object, { lives: 8 });
    await em.flush();
    expect((await em.fork().findOneOrFail(model.Cat, { lives: 8 })).name).toBe(`Tom of ${tenant}`);
  },
};

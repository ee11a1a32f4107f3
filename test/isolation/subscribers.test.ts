import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EventArgs, EventSubscriber } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { currentTenant, TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { houseEntities, Person } from '../support/isolation/entities.ts';
import { PlainOrms } from '../support/isolation/PlainOrms.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

const log: string[] = [];

/** Remembers in its own fields what it has seen, as a real one would keep a cache or a batch. */
class Remembering implements EventSubscriber {
  readonly #seen: string[] = [];

  afterCreate({ entity }: EventArgs<{ name: string }>): void {
    this.#seen.push(entity.name);
    log.push(`${currentTenant()?.id ?? 'no tenant'}: ${this.#seen.join(', ')}`);
  }
}

class OfOneRequest implements EventSubscriber {
  readonly names: string[] = [];

  beforeCreate({ entity }: EventArgs<{ name: string }>): void {
    this.names.push(entity.name);
  }
}

async function add(em: SqlEntityManager, name: string): Promise<void> {
  em.create(Person, { name });
  await em.flush();
}

describe('subscribers', () => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create({ orm: { subscribers: [Remembering] } });
  });
  beforeEach(() => {
    log.length = 0;
  });
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  it('are one instance for all plain ORMs, where an instance is given', async () => {
    await using plain = new PlainOrms(world.databases);
    const subscriber = new OfOneRequest();
    const { schemas, Person: PlainPerson } = houseEntities();
    for (const id of ['acme', 'globex']) {
      const em = (await plain.open(id, { entities: schemas, subscribers: [subscriber] })).em.fork();
      em.create(PlainPerson, { name: `of ${id}` });
      await em.flush();
    }
    expect(subscriber.names).toEqual(['of acme', 'of globex']);
    await world.databases.reset();
  });

  it('are one instance for each tenant, where a class is given', async () => {
    await world.manager.run('acme', (em) => add(em, 'a1'));
    await world.manager.run('globex', (em) => add(em, 'g1'));
    await world.manager.run('acme', (em) => add(em, 'a2'));
    expect(log).toEqual(['acme: a1', 'globex: g1', 'acme: a1, a2']);
  });

  it('are refused as instances', async () => {
    const orm = { subscribers: [new OfOneRequest()] as never };
    await expect(TenantWorld.create({ ids: [], orm })).rejects.toThrow(TenancyConfigurationError);
  });

  it('registered in plain MikroORM on the fork of a request stay with the ORM for good', async () => {
    await using plain = new PlainOrms(world.databases);
    const { schemas, Person: PlainPerson } = houseEntities();
    const acme = await plain.open('acme', { entities: schemas });
    const subscriber = new OfOneRequest();
    acme.em.fork().getEventManager().registerSubscriber(subscriber);
    const later = acme.em.fork();
    later.create(PlainPerson, { name: 'of a later request' });
    await later.flush();
    expect(subscriber.names).toEqual(['of a later request']);
    await world.databases.reset();
  });

  it('registered in a run stay with that run', async () => {
    const subscriber = new OfOneRequest();
    await world.manager.run('acme', async (em) => {
      em.getEventManager().registerSubscriber(subscriber);
      world.manager.em.getEventManager().registerSubscriber(subscriber);
      await add(em, 'of this run');
      await world.manager.run('acme', (inner) => add(inner, 'of a nested run'));
      await world.manager.run('globex', (inner) => add(inner, 'of another tenant'));
      await em.transactional((inner) => add(inner, 'of a transaction of this run'));
    });
    await world.manager.run('acme', (em) => add(em, 'of a later run'));
    expect(subscriber.names).toEqual(['of this run', 'of a transaction of this run']);
  });
});

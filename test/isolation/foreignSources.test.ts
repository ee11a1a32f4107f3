import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type EventArgs, type EventSubscriber, type FlushEventArgs, wrap } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { House, Person } from '../support/isolation/entities.ts';
import { expectRefused } from '../support/isolation/foreign.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

/** Ways in which a person of globex comes into being. */
const sources: Record<string, (em: SqlEntityManager) => Person | Promise<Person>> = {
  find: (em) => em.findOneOrFail(Person, 1),
  'a joined relation': async (em) => {
    const house = await em.findOneOrFail(House, 1, { populate: ['owner'], strategy: 'joined' });
    return house.owner as Person;
  },
  'a selected relation': async (em) => {
    const house = await em.findOneOrFail(House, 1, { populate: ['owner'], strategy: 'select-in' });
    return house.owner as Person;
  },
  'a relation that was not loaded': async (em) => (await em.findOneOrFail(House, 1)).owner as Person,
  'a reference': (em) => em.getReference(Person, 1),
  'a reference that was loaded': async (em) => {
    const person = em.getReference(Person, 1);
    await wrap(person).init();
    return person;
  },
  QueryBuilder: async (em) => {
    const [person] = await em.createQueryBuilder(Person).where({ id: 1 }).getResult();
    return person as Person;
  },
  stream: async (em) => {
    for await (const person of em.stream(Person, { where: { id: 1 } })) {
      return person;
    }
    throw new Error('There was no person');
  },
  'a relation in a stream': async (em) => {
    for await (const house of em.stream(House, { where: { id: 1 }, populate: ['owner'] })) {
      return house.owner as Person;
    }
    throw new Error('There was no house');
  },
  'a stream of QueryBuilder': async (em) => {
    for await (const person of em.createQueryBuilder(Person).where({ id: 1 }).stream()) {
      return person as Person;
    }
    throw new Error('There was no person');
  },
  map: (em) => em.map(Person, { id: 1, name: 'mapped' }),
  merge: (em) => em.merge(Person, { id: 1, name: 'merged' }),
  upsert: (em) => em.upsert(Person, { id: 1, name: 'globex person 1' }),
  'the result cache': async (em) => {
    await em.fork().findOneOrFail(Person, 1, { cache: 1_000 });
    return em.findOneOrFail(Person, 1, { cache: 1_000 });
  },
  'a nested fork': (em) => em.fork().findOneOrFail(Person, 1),
  'a transaction': (em) => em.transactional((inner) => inner.findOneOrFail(Person, 1)),
  'an EntityManager that was cleared': async (em) => {
    const person = await em.findOneOrFail(Person, 1);
    em.clear();
    return person;
  },
  'a removal that was not flushed': async (em) => {
    const person = await em.findOneOrFail(Person, 1);
    em.remove(person);
    return person;
  },
  'a new entity that was not flushed': (em) => {
    const person = Object.assign(new Person(), { name: 'new' });
    em.persist(person);
    return person;
  },
  create: (em) => em.create(Person, { name: 'new' }),
  'create without persist': (em) => em.create(Person, { name: 'new' }, { persist: false }),
  'create with a key, without persist': (em) => em.create(Person, { id: 9, name: 'new' }, { persist: false }),
};

type Hook = 'beforeCreate' | 'beforeUpdate' | 'beforeFlush' | 'onFlush';

/** Sets a foreign relation when change sets may be computed already. */
class LateSubscriber implements EventSubscriber<House> {
  readonly #hook: Hook;
  readonly #change: (house: House) => void;

  constructor(hook: Hook, change: (house: House) => void) {
    this.#hook = hook;
    this.#change = change;
  }

  beforeCreate({ entity }: EventArgs<House>): void {
    this.#at('beforeCreate', entity);
  }

  beforeUpdate({ entity }: EventArgs<House>): void {
    this.#at('beforeUpdate', entity);
  }

  async beforeFlush({ em, uow }: FlushEventArgs): Promise<void> {
    this.#atFlush('beforeFlush', em.getUnitOfWork() === uow ? [...uow.getIdentityMap()] : []);
  }

  async onFlush({ uow }: FlushEventArgs): Promise<void> {
    const houses = uow.getChangeSets().map(({ entity }) => entity);
    this.#atFlush('onFlush', houses);
    if (this.#hook === 'onFlush') {
      for (const house of houses) {
        uow.recomputeSingleChangeSet(house);
      }
    }
  }

  #atFlush(hook: Hook, entities: readonly unknown[]): void {
    for (const entity of entities) {
      this.#at(hook, entity);
    }
  }

  #at(hook: Hook, entity: unknown): void {
    if (this.#hook === hook && entity instanceof House) {
      this.#change(entity);
    }
  }
}

const late: Record<string, (foreign: Person) => (house: House) => void> = {
  'a relation': (foreign) => (house) => Object.assign(house, { owner: foreign }),
  'a relation without cascade': (foreign) => (house) => Object.assign(house, { agent: foreign }),
  'a relation that cascades everything': (foreign) => (house) => Object.assign(house, { heir: foreign }),
};

describe('a person of globex', () => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create();
  });
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  describe.each(Object.keys(sources))('that came by %s is refused in acme', (source) => {
    const prepare = sources[source] as (em: SqlEntityManager) => Person;

    it('when it is persisted', () => expectRefused(world, prepare, (em, person) => em.persist(person)));

    it('when it is removed', () => expectRefused(world, prepare, (em, person) => em.remove(person)));

    it('as a relation', () =>
      expectRefused(world, prepare, (_em, person, { house }) => Object.assign(house, { agent: person })));
  });

  describe.each(Object.keys(late))('set as %s by a hook is refused in acme', (kind) => {
    const changeBy = late[kind] as (foreign: Person) => (house: House) => void;

    it.each(['beforeUpdate', 'beforeFlush', 'onFlush'] as const)('in %s', async (hook) => {
      await expectRefused(
        world,
        (globex) => globex.findOneOrFail(Person, 2),
        async (em, foreign, { house, room }) => {
          em.getEventManager().registerSubscriber(new LateSubscriber(hook, changeBy(foreign)));
          // A statement for another table comes first, and is undone with the rest.
          Object.assign(room, { name: 'changed' });
          Object.assign(house, { address: 'changed' });
        },
      );
    });

    it('in beforeCreate', async () => {
      await expectRefused(
        world,
        (globex) => globex.findOneOrFail(Person, 2),
        async (em, foreign) => {
          em.getEventManager().registerSubscriber(new LateSubscriber('beforeCreate', changeBy(foreign)));
          em.create(House, { address: 'new', facts: {}, listedAt: new Date(0) });
        },
      );
    });
  });

  it('leaves a transaction of acme in which it was refused undone as a whole', async () => {
    await expectRefused(
      world,
      (globex) => globex.findOneOrFail(Person, 1),
      (em, foreign) =>
        em.transactional(async (inner) => {
          await inner.insert(Person, { name: 'before the refusal' });
          inner.persist(foreign);
        }),
    );
  });

  it('may be read, copied and serialised anywhere', async () => {
    await world.databases.reset();
    const foreign = await world.manager.run('globex', (em) => em.findOneOrFail(Person, 1));
    await world.manager.run('acme', async (em) => {
      expect(wrap(foreign).toObject()).toEqual({ id: 1, name: 'globex person 1' });
      const copy = em.create(Person, { name: foreign.name });
      await em.flush();
      expect(copy.id).toBe(4);
    });
    await world.databases.reset();
  });
});

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { LockMode, ref, wrap } from '@mikro-orm/core';
import { WrongTenantError } from 'mikro-orm-multitenancy';
import { House, houseEntities, Person, Room } from '../support/isolation/entities.ts';
import { type Attempt, expectRefused, type Loaded, load } from '../support/isolation/foreign.ts';
import { PlainOrms } from '../support/isolation/PlainOrms.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

type Attempts = Record<string, Attempt<Loaded>>;

const newHouse = { address: 'new', facts: {}, listedAt: new Date(0) };

const unitOfWork: Attempts = {
  persist: (em, { house }) => em.persist(house),
  'persist of a list': (em, { person, room }) => em.persist([person, room]),
  remove: (em, { room }) => em.remove(room),
  merge: (em, { house }) => em.merge(house),
  getReference: (em, { person }) => em.getReference(Person, person as never),
  'assign to it': (em, { house }) => em.assign(house, { address: 'changed' }),
  lock: (em, { house }) => em.transactional((inner) => inner.lock(house, LockMode.PESSIMISTIC_WRITE)),
  refresh: (em, { house }) => em.refresh(house),
  populate: (em, { house }) => em.populate([house], ['agent']),
  'an orphan of the unit of work': (em, { tag }) => em.getUnitOfWork().scheduleOrphanRemoval(tag),
  'the unit of work itself': (em, { house }) => em.getUnitOfWork().persist(house),
};

const relations: Attempts = {
  'a relation': (_em, { person }, { house }) => Object.assign(house, { owner: person }),
  'a relation without cascade': (_em, { person }, { house }) => Object.assign(house, { agent: person }),
  'a relation that cascades everything': (_em, { person }, { house }) => Object.assign(house, { heir: person }),
  'an owning one to one': (_em, { house }, { deed }) => Object.assign(deed, { house }),
  'an inverse one to one': (_em, { deed }, { house }) => Object.assign(house, { deed }),
  'an added one to many': (_em, { house }, { person }) => person.houses.add(house),
  'an added many to many': (_em, { tag }, { house }) => house.tags.add(tag),
  'a replaced many to many': (_em, { tag }, { house }) => house.tags.set([tag]),
  'a replaced collection with orphan removal': (_em, { room }, { house }) => house.rooms.set([room]),
  'an orphan: added and removed again': (_em, { room }, { house }) => {
    house.rooms.add(room);
    house.rooms.remove(room);
  },
  'a new entity': (em, { person }) => em.persist(Object.assign(new House(), newHouse, { agent: person })),
  'a new entity below a new entity': (em, { person }) => {
    const owner = Object.assign(new Person(), { name: 'new' });
    owner.houses.add(Object.assign(new House(), newHouse, { agent: person }));
    em.persist(owner);
  },
  'a removed entity': (em, { person }, { house }) => {
    house.heir = person;
    em.remove(house);
  },
};

const data: Attempts = {
  create: (em, { person }) => em.create(House, { ...newHouse, owner: person }),
  'create of nested data': (em, { tag }) =>
    em.create(Person, { name: 'new', houses: [{ ...newHouse, tags: [tag] }] } as never),
  'create with a wrapped reference': (em, { person }) => em.create(House, { ...newHouse, agent: ref(person) } as never),
  assign: (em, { person }, { house }) => em.assign(house, { agent: person }),
  'wrap().assign': (_em, { person }, { house }) => wrap(house).assign({ agent: person }),
  'merge of data': (em, { person }) => em.merge(House, { id: 1, ...newHouse, agent: person } as never),
  insert: (em, { person }) => em.insert(House, { ...newHouse, owner: person }),
  'insert of the entity': (em, { tag }) => em.insert(tag),
  insertMany: (em, { person }) => em.insertMany(House, [newHouse, { ...newHouse, owner: person }]),
  'insertMany of entities': (em, { tag }) => em.insertMany([tag]),
  upsert: (em, { person }) => em.upsert(House, { id: 1, ...newHouse, owner: person }),
  'upsert of the entity': (em, { tag }) => em.upsert(tag),
  upsertMany: (em, { person }) => em.upsertMany(House, [{ id: 1, ...newHouse, owner: person }]),
  'upsertMany of entities': (em, { tag }) => em.upsertMany([tag]),
  nativeUpdate: (em, { person }) => em.nativeUpdate(House, { id: 1 }, { owner: person }),
  clone: (em, { tag }) => em.clone(tag),
  'clone with overrides': (em, { person }) => em.clone(House, { id: 1 }, { agent: person } as never),
};

const conditions: Attempts = {
  find: (em, { person }) => em.find(House, { owner: person }),
  'find by a nested condition': (em, { house }) => em.find(Room, { $or: [{ house: { id: 1 } }, { house }] }),
  'find by a reference': (em, { person }) => em.find(House, { owner: ref(person) } as never),
  'find by a list': (em, { person }) => em.find(House, { owner: { $in: [person] } }),
  findAll: (em, { person }) => em.findAll(House, { where: { owner: person } }),
  findAndCount: (em, { person }) => em.findAndCount(House, { owner: person }),
  findByCursor: (em, { person }) =>
    em.findByCursor(House, { where: { owner: person }, first: 1, orderBy: { id: 'asc' } }),
  findOne: (em, { person }) => em.findOne(House, { owner: person }),
  findOneOrFail: (em, { house }) => em.findOneOrFail(House, house),
  count: (em, { person }) => em.count(House, { owner: person }),
  countBy: (em, { person }) => em.countBy(House, 'owner', { where: { owner: person } }),
  stream: async (em, { person }) => {
    for await (const house of em.stream(House, { where: { owner: person } })) {
      expect(house).toBeUndefined();
    }
  },
  nativeUpdate: (em, { person }) => em.nativeUpdate(House, { owner: person }, { address: 'changed' }),
  nativeDelete: (em, { room }) => em.nativeDelete(Room, room),
  matching: (_em, { tag }, { house }) => house.tags.matching({ where: { id: tag } as never }),
  'a repository': (em, { person }) => em.getRepository(House).find({ owner: person }),
  'a QueryBuilder': (em, { person }) => em.createQueryBuilder(House).where({ owner: person }).getResult(),
  'a copy of a QueryBuilder': (em, { person }) =>
    em.createQueryBuilder(House).clone().where({ owner: person }).getResult(),
  'a QueryBuilder that inserts': (em, { person }) =>
    em
      .createQueryBuilder(House)
      .insert({ ...newHouse, owner: person })
      .execute(),
  'a QueryBuilder that updates': (em, { person }) =>
    em.createQueryBuilder(House).update({ owner: person }).where({ id: 1 }).execute(),
};

describe('an entity of globex in acme', () => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create();
  });
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  it('is written by plain MikroORM, which puts the key of one tenant into the other', async () => {
    await using plain = new PlainOrms(world.databases);
    const classes = houseEntities();
    const acme = (await plain.open('acme', { entities: classes.schemas })).em.fork();
    const globex = (await plain.open('globex', { entities: classes.schemas })).em.fork();
    const house = await acme.findOneOrFail(classes.House, 3);
    house.owner = await globex.findOneOrFail(classes.Person, 2);
    await acme.flush();
    const { acme: written } = await world.databases.dump(['house']);
    expect(written).toMatchObject({ house: [{ owner_id: 1 }, { owner_id: 2 }, { owner_id: 2 }] });
    await world.databases.reset();
  });

  for (const [kind, attempts] of Object.entries({ unitOfWork, relations, data, conditions })) {
    // The same key is the common case, and the one in which a diff of columns sees nothing.
    describe.each([1, 2])(`with the key %i, by ${kind}`, (id) => {
      it.each(Object.keys(attempts))('%s', async (name) => {
        world.forgetStatements();
        await expectRefused(world, (globex) => load(globex, id), attempts[name] as Attempt<Loaded>);
        // Not even what a rollback undoes.
        expect(world.writes).toEqual([]);
      });
    });
  }

  it('keeps its own EntityManager when an own entity that refers to it is merged', async () => {
    await world.manager.run('globex', async (globex) => {
      const foreign = await globex.findOneOrFail(Person, 1);
      await world.manager.run('acme', async (em) => {
        const house = await em.findOneOrFail(House, 1);
        house.agent = foreign;
        em.clear();
        expect(() => em.merge(house)).toThrow(WrongTenantError);
        expect(wrap(foreign, true).__em === globex).toBe(true);
      });
    });
  });

  it('may be used by every run of its own tenant, whatever became of the ORM that loaded it', async () => {
    const { house } = await world.manager.run('globex', (em) => load(em, 1));
    await world.manager.evict('globex');
    await world.manager.run('globex', async (em) => {
      em.merge(house);
      house.address = 'globex house 1, renovated';
      await em.flush();
    });
    expect(await world.databases.dump(['house'])).toMatchObject({
      acme: { house: [{ address: 'acme house 1' }, {}, {}] },
      globex: { house: [{ address: 'globex house 1, renovated' }, {}, {}] },
    });
    await world.databases.reset();
  });
});

import type { EntityManager, EntityMetadata, UnitOfWork } from '@mikro-orm/core';
import { type Clause, expectNames, expectThat, membersOf } from './Clause.ts';
import { ENTITY_MANAGER, QUERY_BUILDER, UNIT_OF_WORK } from './members.ts';
import { connected, unconnected } from './subjects.ts';

/** Methods of a unit of work whose calls are heard of. */
const WAYS_IN = ['register', 'merge', 'persist', 'remove', 'scheduleOrphanRemoval', 'computeChangeSets', 'runHooks'];

/** How an entity gets into an EntityManager, and what is known of it there. */
export const entityClauses: readonly Clause[] = [
  {
    of: '@mikro-orm/core',
    holds: 'an EntityManager has the methods that take entities, and no other that nobody looked at',
    reliedOnBy: ['orm/guardedEntityManager.ts'],
    to: 'refuse entities of another tenant in each of them',
    check: ({ postgresql: { EntityManager: Class } }) => {
      expectNames('EntityManager', membersOf(Class), ENTITY_MANAGER.others, ENTITY_MANAGER.guarded);
    },
  },
  {
    of: '@mikro-orm/postgresql',
    holds: 'a QueryBuilder has the methods that take data and conditions, and no other that nobody looked at',
    reliedOnBy: ['orm/guardedQueryBuilder.ts'],
    to: 'refuse entities of another tenant in each of them',
    check: ({ postgresql: { QueryBuilder: Class } }) => {
      expectNames('QueryBuilder', membersOf(Class), QUERY_BUILDER.others, QUERY_BUILDER.guarded);
    },
  },
  {
    of: '@mikro-orm/core',
    holds: 'a UnitOfWork has the methods by which entities come in, and no other that nobody looked at',
    reliedOnBy: ['context/OwnerGuard.ts'],
    to: "know every entity's tenant before anything is written",
    check: ({ core: { UnitOfWork: Class } }) => {
      expectNames('UnitOfWork', membersOf(Class), UNIT_OF_WORK.others, WAYS_IN);
    },
  },
  {
    of: '@mikro-orm/core',
    holds: 'every fork is made of the class in `entityManager`, with the driver second and `useContext` fourth',
    reliedOnBy: ['orm/guardedEntityManager.ts'],
    to: "guard each fork for its driver's tenant, and let one without `useContext` stand for no other",
    check: (peers) => {
      const made: unknown[][] = [];
      class Noted extends peers.postgresql.EntityManager {
        constructor(...args: ConstructorParameters<typeof EntityManager>) {
          super(...(args as never as [never, never, never]));
          made.push(args);
        }
      }
      const { orm } = unconnected(peers, { entityManager: Noted as never });
      for (const useContext of [true, false]) {
        const em = orm.em.fork({ useContext });
        const [, driver, , fourth] = made.at(-1) ?? [];
        expectThat(em instanceof Noted, 'a fork is of another class');
        expectThat(driver === orm.driver, 'the driver is elsewhere');
        expectThat(fourth === useContext, '`useContext` is elsewhere');
      }
    },
  },
  {
    of: '@mikro-orm/core',
    holds: '`em.getUnitOfWork(false)` is that of this very fork, and never changes',
    reliedOnBy: ['context/OwnerGuard.ts'],
    to: 'put its guards there, once for each fork',
    check: (peers) => {
      const { orm } = unconnected(peers);
      const [a, b] = [orm.em.fork(), orm.em.fork()];
      expectThat(a.getUnitOfWork(false) !== b.getUnitOfWork(false), 'two forks share one');
      expectThat(a.getUnitOfWork(false) === a.getUnitOfWork(), 'another one is used');
      a.clear();
      expectThat(a.getUnitOfWork(false) === a.getUnitOfWork(), '`clear` makes another one');
    },
  },
  {
    of: '@mikro-orm/core',
    holds: 'whatever gets into an EntityManager passes the methods of its unit of work, also where they are replaced',
    reliedOnBy: ['context/OwnerGuard.ts'],
    to: 'see each entity that is read, made, merged, persisted, removed or written',
    check: (peers) =>
      connected(peers, async ({ orm, House, Owner }) => {
        const em = orm.em.fork();
        const heard = heardOf(em.getUnitOfWork(false));
        const expectHeard = (what: string, ...names: string[]): void => {
          const missing = names.filter((name) => !heard.has(name));
          expectThat(missing.length === 0, `${what} does not call ${missing.join(', ')}`);
          heard.clear();
        };
        const owner = em.create(Owner, { name: '' });
        expectHeard('`create`', 'persist');
        em.create(House, { address: '', owner });
        await em.flush();
        expectHeard('`flush`', 'computeChangeSets', 'runHooks', 'register');
        em.merge(House, { id: -1, address: '' });
        expectHeard('`merge`', 'register');
        em.merge(orm.em.fork().merge(House, { id: -3, address: '' }));
        expectHeard('`merge` of an entity', 'merge');
        em.getReference(House, -2);
        expectHeard('`getReference`', 'register');
        em.remove(owner);
        expectHeard('`remove`', 'remove');
        em.clear();
        await em.find(House, {}, { populate: ['owner'] });
        expectHeard('`find`', 'register');
      }),
  },
  {
    of: '@mikro-orm/core',
    holds: 'a flush computes its change sets before its first statement',
    reliedOnBy: ['context/OwnerGuard.ts'],
    to: "refuse another tenant's entity before anything is written",
    check: async (peers) => {
      const { orm, House } = unconnected(peers);
      const em = orm.em.fork();
      const ours = new Error('computed');
      Object.assign(em.getUnitOfWork(false), {
        computeChangeSets: () => {
          throw ours;
        },
      });
      em.create(House, { address: '' });
      const error: unknown = await em.flush().catch((reason: unknown) => reason);
      expectThat(error === ours, `before that: ${String(error)}`);
    },
  },
  {
    of: '@mikro-orm/core',
    holds: '`helper` knows the metadata and the EntityManager of an entity, and takes a property of ours',
    reliedOnBy: ['context/OwnerGuard.ts', 'orm/selfTest.ts', 'catalog/tenantObject.ts'],
    to: 'keep whose an entity is on the entity itself',
    check: (peers) => {
      const { orm, House } = unconnected(peers);
      const { helper } = peers.core;
      const em = orm.em.fork();
      const mark = Symbol('mark');
      const house = em.create(House, { address: '' });
      const wrapped = helper(em.getReference(House, 1)) as object as Record<string | symbol, unknown>;
      wrapped[mark] = 1;
      expectThat((wrapped['__meta'] as EntityMetadata).class === House, 'the metadata is elsewhere');
      expectThat(wrapped['__em'] === em, 'the EntityManager is elsewhere');
      expectThat(Reflect.get(helper(em.getReference(House, 1)), mark) === 1, 'the property is lost');
      expectThat(!(mark in helper(house)), 'all entities have the property');
      expectThat(Object.hasOwn(House.prototype, '__meta'), 'the prototype has no `__meta`');
    },
  },
  {
    of: '@mikro-orm/core',
    holds: '`meta.relations`, `Utils` and `Reference` lead from an entity to those that it refers to',
    reliedOnBy: ['context/OwnerGuard.ts', 'catalog/tenantObject.ts'],
    to: "find another tenant's entity behind a relation or in a collection",
    check: (peers) => {
      const { Utils, Reference, ReferenceKind } = peers.core;
      const { orm, House, Owner } = unconnected(peers);
      const em = orm.em.fork();
      const owner = em.create(Owner, { name: '' });
      const house = em.create(House, { address: '', owner });
      const [ofHouse, ofOwner] = [orm.getMetadata(House), orm.getMetadata(Owner)];
      const [relation, collection] = [ofHouse.relations[0], ofOwner.relations[0]];
      expectThat(relation?.name === 'owner' && collection?.name === 'houses', '`relations` does not name them');
      expectThat(Array.isArray(relation?.cascade), '`cascade` is no list');
      const kinds = ofHouse.props.map(({ name, kind }) => `${name} ${kind === ReferenceKind.SCALAR}`);
      expectThat(kinds.join() === 'id true,address true,owner false', `\`props\` are: ${kinds.join()}`);
      const [[target] = []] = Utils.unwrapProperty(house, ofHouse as never, relation as never);
      expectThat(Reference.unwrapReference(target as object) === owner, '`unwrapProperty` leads elsewhere');
      const [[items] = []] = Utils.unwrapProperty(owner, ofOwner as never, collection as never);
      expectThat(Utils.isCollection(items) && items.getItems(false)[0] === house, 'a collection leads elsewhere');
      const reference = Reference.create(house);
      expectThat(
        Utils.isEntity(reference, true) && !Utils.isEntity(reference),
        '`isEntity` takes a reference otherwise',
      );
      expectThat(!Utils.isPlainObject(house) && Utils.isPlainObject({}), 'an entity is a plain object');
    },
  },
  {
    of: '@mikro-orm/postgresql',
    holds: "`em.qb` and a repository's call the EntityManager's `createQueryBuilder`, and `clone` makes a stock copy",
    reliedOnBy: ['orm/guardedEntityManager.ts', 'orm/guardedQueryBuilder.ts'],
    to: 'guard every QueryBuilder, and the copies of it',
    check: (peers) => {
      let made = 0;
      class Noted extends peers.postgresql.EntityManager {
        override createQueryBuilder(...args: never[]): never {
          made += 1;
          return Reflect.apply(peers.postgresql.EntityManager.prototype.createQueryBuilder, this, args) as never;
        }
      }
      const { orm, House } = unconnected(peers, { entityManager: Noted as never });
      const em = orm.em.fork() as unknown as InstanceType<typeof peers.postgresql.EntityManager>;
      const builder = em.qb(House);
      (em.getRepository(House) as unknown as { qb(): unknown }).qb();
      expectThat(made === 2, `it is called ${made} times of 2`);
      expectThat(
        builder.where({ id: 1 }).clone() instanceof peers.postgresql.QueryBuilder,
        '`clone` makes another thing',
      );
    },
  },
  {
    of: '@mikro-orm/core',
    holds:
      'a repository is made of the class that `config.getRepositoryClass` gives, with an EntityManager and an entity',
    reliedOnBy: ['context/contextualEntityManager.ts'],
    to: 'give repositories that follow the current tenant',
    check: (peers) => {
      const { orm, House } = unconnected(peers);
      const em = orm.em.fork();
      const Repository = orm.config.getRepositoryClass(orm.getMetadata(House).repository as never);
      const repository = new (Repository as unknown as new (...args: unknown[]) => ReturnType<typeof em.getRepository>)(
        em,
        House,
      );
      expectThat(repository.getEntityManager() === em, 'it has another EntityManager');
      expectThat(em.getRepository(House).constructor === Repository, 'the EntityManager makes another one');
    },
  },
];

/** The names of the methods that are called from now on. */
function heardOf(unitOfWork: UnitOfWork): Set<string> {
  const heard = new Set<string>();
  for (const name of WAYS_IN) {
    const stock = Reflect.get(unitOfWork, name) as (...args: unknown[]) => unknown;
    Object.assign(unitOfWork, {
      [name]: (...args: unknown[]) => {
        heard.add(name);
        return Reflect.apply(stock, unitOfWork, args);
      },
    });
  }
  return heard;
}

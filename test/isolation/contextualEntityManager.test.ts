import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  EntityRepository,
  EntityRepositoryType,
  EntitySchema,
  type EventSubscriber,
  RequestContext,
} from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { NoTenantError } from 'mikro-orm-multitenancy';
import { entities, House, houseEntities, Person, schema, seed, Tag } from '../support/isolation/entities.ts';
import { PlainOrms } from '../support/isolation/PlainOrms.ts';
import { tenantReached } from '../support/isolation/reached.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

class Label {
  [EntityRepositoryType]?: LabelRepository;
  id!: number;
  name!: string;
}

class LabelRepository extends EntityRepository<Label> {
  async names(): Promise<string[]> {
    const labels = await this.findAll({ orderBy: { id: 'asc' } });
    return labels.map(({ name }) => name);
  }
}

const LabelSchema = new EntitySchema<Label>({
  class: Label,
  tableName: 'label',
  repository: () => LabelRepository,
  properties: { id: { type: 'integer', primary: true }, name: { type: 'text' } },
});

const names = (id: string): string[] => [1, 2, 3].map((n) => `${id} tag ${n}`);
const newPerson = { name: 'somebody new' };

describe('manager.em', () => {
  let world: TenantWorld;
  let em: SqlEntityManager;
  beforeAll(async () => {
    world = await TenantWorld.create({
      statements: (id) => [...schema, ...seed(id), 'create table label as table tag'],
      orm: { entities: [...entities, LabelSchema] },
    });
    em = world.manager.em;
  });
  beforeEach(() => world.databases.reset());
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  const countIn = async (id: string): Promise<number> =>
    ((await world.databases.dump(['person']))[id] as { person: unknown[] }).person.length;

  it('throws outside a tenant, whatever is called on it', async () => {
    expect(() => em.find(House, {})).toThrow(NoTenantError);
    expect(() => em.fork()).toThrow(NoTenantError);
    expect(() => em.getConnection()).toThrow(NoTenantError);
    expect(() => em.getKysely()).toThrow(NoTenantError);
    expect(() => em.createQueryBuilder(House)).toThrow(NoTenantError);
    await expect(em.getRepository(House).findAll()).rejects.toThrow(NoTenantError);
  });

  it('says without a tenant what is the same in all of them, and can be printed and awaited', async () => {
    expect(em.getMetadata().get(House).className).toBe('House');
    expect([em.getPlatform(), em.getComparator()].every((of) => typeof of === 'object')).toBe(true);
    expect([em.canPopulate(House, 'owner'), em.canPopulate(House, 'nothing')]).toEqual([true, false]);
    expect(em.constructor === world.manager.em.constructor && typeof em.constructor === 'function').toBe(true);
    expect(inspect({ em })).toBe('{ em: [EntityManager of the current tenant] }');
    expect(Object.prototype.toString.call(em)).toBe('[object Object]');
    expect(typeof Reflect.get(em, inspect.custom)).toBe('function');
    expect((await Promise.resolve(em)) === em).toBe(true);
    expect(em.name).toBe('default');
  });

  it('takes a property for the fork of the run, and none without a tenant', async () => {
    expect(() => Object.assign(em, { schema: 'other' })).toThrow(/^manager\.em\.schema needs a tenant/);
    await world.manager.run('acme', async (fork) => {
      Object.assign(em, { schema: 'other' });
      expect(fork.schema).toBe('other');
      await world.manager.run('acme', (inner) => expect(inner.schema).toBeUndefined());
    });
    expect(() => em.schema).toThrow(/^manager\.em\.schema needs a tenant/);
  });

  it('is in plain MikroORM outside the transaction that it began, where `context` returns the fork', async () => {
    await using plain = new PlainOrms(world.databases);
    const { schemas } = houseEntities();
    const orms = await plain.open('acme', { entities: schemas, contextName: 'acme' });
    const fork = orms.em.fork({ useContext: true });
    const contextual = await plain.open('acme', { entities: schemas, context: () => fork });
    expect(await contextual.em.transactional(async () => contextual.em.isInTransaction())).toBe(false);
  });

  it('follows the tenant by find, by QueryBuilder, by Kysely and by raw SQL', async () => {
    for (const id of ['acme', 'globex']) {
      await world.manager.run(id, async () => {
        const found = await em.findOneOrFail(Tag, 1);
        const built = await em.createQueryBuilder(Tag, 't').where({ id: 1 }).getSingleResult();
        const kysely = await em
          .getKysely<{ tag: Tag }>()
          .selectFrom('tag')
          .select('name')
          .where('id', '=', 1)
          .execute();
        const raw = await em.execute<Tag[]>('select name from tag where id = 1');
        expect([found.name, built?.name, kysely[0]?.name, raw[0]?.name]).toEqual(Array(4).fill(`${id} tag 1`));
      });
    }
  });

  it("has the run's own identity map", async () => {
    await world.manager.run('acme', async (fork) => {
      expect(await em.findOneOrFail(House, 1)).toBe(await fork.findOneOrFail(House, 1));
      expect(em.getUnitOfWork() === fork.getUnitOfWork()).toBe(true);
      expect(em.id).toBe(fork.id);
    });
  });

  it('is the fork of a nested RequestContext of its own tenant, and never that of another ORM', async () => {
    await using plain = new PlainOrms(world.databases);
    const foreign = (await plain.open('globex', { entities: houseEntities().schemas })).em.fork();
    await world.manager.run('acme', async (fork) => {
      const isOf = (own: unknown): boolean => em.getUnitOfWork() === (own as SqlEntityManager).getUnitOfWork();
      RequestContext.create(em, () => {
        const nested = RequestContext.getEntityManager();
        expect([nested === fork, isOf(nested), isOf(fork)]).toEqual([false, true, false]);
      });
      await RequestContext.create([], async () => {
        RequestContext.currentRequestContext()?.map.set('default', foreign);
        expect(isOf(fork)).toBe(true);
        expect(await tenantReached(em)).toBe('acme');
      });
      RequestContext.create([], () => expect(isOf(fork)).toBe(true));
    });
  });

  it('is the right one in tenants run at the same time', async () => {
    const runs = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 'acme' : 'globex'));
    const read = runs.map((id) =>
      world.manager.run(id, async () => [await tenantReached(em), (await em.findOneOrFail(Tag, 2)).name]),
    );
    expect(await Promise.all(read)).toEqual(runs.map((id) => [id, `${id} tag 2`]));
  });

  describe('repositories obtained outside every tenant', () => {
    it('follow the tenant', async () => {
      const repository = em.getRepository(Tag);
      for (const id of ['acme', 'globex', 'acme']) {
        const found = await world.manager.run(id, () => repository.findAll({ orderBy: { id: 'asc' } }));
        expect(found.map(({ name }) => name)).toEqual(names(id));
      }
      await expect(repository.findAll()).rejects.toThrow(NoTenantError);
    });

    it('follow the tenant where the repository is custom', async () => {
      const repository = em.getRepository(Label);
      expect(repository).toBeInstanceOf(LabelRepository);
      expect(em.repo(Label)).toBe(repository);
      const read = ['acme', 'globex'].map((id) => world.manager.run(id, () => repository.names()));
      expect(await Promise.all(read)).toEqual([names('acme'), names('globex')]);
    });

    it("see a transaction that was begun on manager.em or on the run's fork", async () => {
      const repository = em.getRepository(Person);
      await world.manager.run('acme', async (fork) => {
        for (const begun of [em, fork]) {
          const work = begun.transactional(async (inner) => {
            await inner.insert(Person, newPerson);
            expect(await repository.count()).toBe(4);
            throw new Error('undo');
          });
          await expect(work).rejects.toThrow('undo');
          expect(await repository.count()).toBe(3);
        }
      });
    });
  });

  describe('in a transaction', () => {
    it('runs every statement inside: find, flush, QueryBuilder, Kysely and raw SQL', async () => {
      const work = world.manager.run('acme', () =>
        em.transactional(async (inner) => {
          expect(em.isInTransaction()).toBe(true);
          expect(em.getTransactionContext() === inner.getTransactionContext()).toBe(true);
          em.create(Person, newPerson as Person);
          await em.flush();
          await em.createQueryBuilder(Person).insert(newPerson).execute();
          await em
            .getKysely<{ person: Person }>()
            .insertInto('person')
            .values(newPerson as Person)
            .execute();
          await em.execute('insert into person (name) values (?)', ['somebody new']);
          expect(await em.count(Person)).toBe(7);
          throw new Error('undo');
        }),
      );
      await expect(work).rejects.toThrow('undo');
      expect(await countIn('acme')).toBe(3);
    });

    it('runs every statement of begin and commit inside, or undoes them by rollback', async () => {
      await world.manager.run('acme', async () => {
        await em.begin();
        await em.insert(Person, newPerson);
        expect(em.isInTransaction()).toBe(true);
        await em.rollback();
        expect(em.isInTransaction()).toBe(false);
        await em.begin();
        await em.insert(Person, newPerson);
        await em.commit();
      });
      expect(await countIn('acme')).toBe(4);
    });

    it('undoes a savepoint alone', async () => {
      await world.manager.run('globex', () =>
        em.transactional(async () => {
          await em.insert(Person, newPerson);
          const nested = em.transactional(async () => {
            await em.insert(Person, newPerson);
            throw new Error('undo');
          });
          await expect(nested).rejects.toThrow('undo');
        }),
      );
      expect(await countIn('globex')).toBe(4);
    });

    it('registers a subscriber for that transaction alone', async () => {
      const names: string[] = [];
      const subscriber: EventSubscriber<Person> = { afterCreate: ({ entity }) => void names.push(entity.name) };
      await world.manager.run('acme', async () => {
        await em.transactional(async () => {
          em.getEventManager().registerSubscriber(subscriber);
          em.create(Person, { name: 'inside' });
        });
        em.create(Person, { name: 'afterwards' });
        await em.flush();
      });
      expect(names).toEqual(['inside']);
    });

    it('is outside the transaction before it and after it', async () => {
      await world.manager.run('acme', async () => {
        expect(em.isInTransaction()).toBe(false);
        await em.transactional(async () => expect(em.isInTransaction()).toBe(true));
        expect(em.isInTransaction()).toBe(false);
      });
    });
  });
});

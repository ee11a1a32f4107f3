import {
  BaseEntity,
  DataSource,
  type DataSourceOptions,
  type EntityManager,
  EntitySchema,
  type EntitySubscriberInterface,
  EventSubscriber,
  type InsertEvent,
} from 'typeorm';
import { contextApp } from './contextApp.ts';
import type { AppOptions, Layer } from './Layer.ts';
import { leakOf, SharedStore } from './SharedStore.ts';

interface PersonRow {
  id: number;
  name: string;
  houses?: HouseRow[];
}

interface DeedRow {
  id: number;
  number: string;
  house: HouseRow;
}

interface HouseRow {
  id: number;
  deed?: DeedRow | null;
  address: string;
  grade: string;
  owner: PersonRow | null;
}

const Person = new EntitySchema<PersonRow>({
  name: 'person',
  columns: { id: { type: 'int', primary: true, generated: true }, name: { type: 'text' } },
  relations: { houses: { type: 'one-to-many', target: 'house', inverseSide: 'owner' } },
});

/** Reads a grade from A to F, and throws for a row that holds anything else. */
const grade = {
  to: (value: unknown): unknown => value,
  from(value: string): string {
    if (!/^[A-F]$/.test(value)) {
      throw new Error(`${value} is no grade`);
    }
    return value;
  },
};

const houseOf = (name: string, lazy: boolean) =>
  new EntitySchema<HouseRow>({
    name,
    tableName: 'house',
    columns: {
      id: { type: 'int', primary: true, generated: true },
      address: { type: 'text' },
      grade: { type: 'text', transformer: grade },
    },
    relations: {
      owner: {
        type: 'many-to-one',
        target: 'person',
        ...(lazy ? { lazy } : { inverseSide: 'houses' }),
        joinColumn: { name: 'owner_id' },
        nullable: true,
      },
      ...(lazy ? {} : { deed: { type: 'one-to-one', target: 'deed', inverseSide: 'house' } as const }),
    },
  });

const Deed = new EntitySchema<DeedRow>({
  name: 'deed',
  columns: { id: { type: 'int', primary: true, generated: true }, number: { type: 'text' } },
  relations: {
    house: { type: 'one-to-one', target: 'house', inverseSide: 'deed', joinColumn: { name: 'house_id' } },
  },
});

const House = houseOf('house', false);
const LazyHouse = houseOf('lazy_house', true);

/** By the pattern of TypeORM's documentation that is called Active Record. */
class ActivePerson extends BaseEntity {
  declare id: number;
  declare name: string;
}
const ActivePersonSchema = new EntitySchema<ActivePerson>({
  name: 'active_person',
  tableName: 'person',
  target: ActivePerson,
  columns: { id: { type: 'int', primary: true, generated: true }, name: { type: 'text' } },
});

const entities = [Person, House, LazyHouse, Deed];

function openApp(options: AppOptions, more: Partial<DataSourceOptions> = {}) {
  return contextApp<DataSource, EntityManager>(options, {
    open: (url) =>
      new DataSource({ entities, ...more, type: 'postgres', url, poolSize: 4 } as DataSourceOptions).initialize(),
    close: (dataSource) => dataSource.destroy(),
    add: (from, name) => from.getRepository(Person).save({ name }),
    names: async (from) => (await from.getRepository(Person).find()).map(({ name }) => name),
    transaction: (dataSource, work) => dataSource.transaction(work),
  });
}

const first = { where: { id: 1 } };

export const layer: Layer = {
  open: (options) => openApp(options),
  specials: {
    async foreignSave(world) {
      const app = openApp(world.options);
      const person = await (await app.handleOf('acme')).getRepository(Person).findOneOrFail(first);
      person.name = 'acme 1, renamed';
      await (await app.handleOf('globex'))
        .getRepository(Person)
        .save(person)
        .catch(() => {});
      await app.close();
      const [name] = await world.names('globex');
      return name === 'globex 1' ? undefined : `the row of globex with its key is now "${name}"`;
    },
    async foreignRelation(world) {
      const app = openApp(world.options);
      const foreign = await (await app.handleOf('acme')).getRepository(Person).findOneOrFail({ where: { id: 3 } });
      const houses = (await app.handleOf('globex')).getRepository(House);
      const house = await houses.findOneOrFail(first);
      house.owner = foreign;
      await houses.save(house).catch(() => {});
      await app.close();
      const [row] = await world.query<{ owner_id: number }>('globex', 'select owner_id from house where id = 1');
      return row?.owner_id === 1 ? undefined : 'the house of globex belongs to the key of a person of acme';
    },
    async lazyRelation(world) {
      const app = openApp(world.options);
      const house = await (await app.handleOf('acme')).getRepository(LazyHouse).findOneOrFail(first);
      const owner = await app.run('globex', async () => house.owner);
      await app.close();
      return owner?.name === 'acme 1' ? undefined : `loads "${owner?.name}"`;
    },
    async sharedClasses(world) {
      const app = openApp(world.options);
      const houses = (await app.handleOf('acme')).getRepository(House);
      await app.handleOf('globex');
      await app.handleOf('initech');
      const before = await world.writers('acme');
      await houses.save(await houses.find({ relations: { owner: true, deed: true } }));
      await app.close();
      return before === (await world.writers('acme')) ? undefined : 'rows were written that nobody changed';
    },
    async boundClass(world) {
      const app = openApp(world.options, { entities: [ActivePersonSchema] });
      await app.handleOf('acme');
      await app.handleOf('globex');
      const person = await app.run('acme', () => ActivePerson.findOneOrFail(first));
      await app.close();
      return person.name === 'acme 1' ? undefined : `acme reads "${person.name}", of whoever was opened last`;
    },
    async corruptRow(world) {
      await world.query('globex', "update house set grade = 'corrupt' where id = 2");
      const app = openApp(world.options);
      await app.handleOf('acme');
      const failed = await (await app.handleOf('globex'))
        .getRepository(House)
        .find()
        .then(
          () => false,
          () => true,
        );
      const acme = await app.handleOf('acme');
      const house = await acme.getRepository(House).findOneOrFail(first);
      house.owner = await acme.getRepository(Person).findOneOrFail({ where: { id: 2 } });
      await acme.getRepository(House).save(house);
      await app.close();
      const [row] = await world.query<{ owner_id: number }>('acme', 'select owner_id from house where id = 1');
      if (!failed) {
        throw new Error('The corrupt row did not fail its reader');
      }
      return row?.owner_id === 2 ? undefined : "acme's change is lost without an error";
    },
    async resultCache(world) {
      const store = new SharedStore();
      // TypeORM chooses the keys: the identifier, or the statement with its parameters, as its own provider for Redis does.
      const provider = () => ({
        connect: async () => {},
        disconnect: async () => {},
        synchronize: async () => {},
        getFromCache: async ({ identifier, query }: CacheKey) => store.get(identifier || query || '') as never,
        storeInCache: async (options: CacheKey) => store.set(options.identifier || options.query || '', options),
        isExpired: () => false,
        clear: async () => {},
        remove: async () => {},
      });
      const app = openApp(world.options, { cache: { provider } as never });
      const leak = await leakOf(async (tenant) => {
        const dataSource = await app.handleOf(tenant);
        return (await dataSource.getRepository(Person).findOneOrFail({ ...first, cache: 60_000 })).name;
      });
      await app.close();
      return leak;
    },
    async subscribers(world) {
      const log: string[] = [];
      class Remembering implements EntitySubscriberInterface<PersonRow> {
        readonly #seen: string[] = [];

        afterInsert({ entity }: InsertEvent<PersonRow>): void {
          this.#seen.push(entity.name);
          log.push(this.#seen.join(', '));
        }
      }
      EventSubscriber()(Remembering);
      const app = openApp(world.options, { subscribers: [Remembering] });
      await app.run('acme', () => app.add('a'));
      await app.run('globex', () => app.add('g'));
      await app.close();
      return log.join('; ') === 'a; g' ? undefined : `the subscriber of globex has seen "${log.at(-1)}"`;
    },
  },
};

interface CacheKey {
  readonly identifier?: string;
  readonly query?: string;
}

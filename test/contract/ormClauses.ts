import type { Constructor, EntityMetadata } from '@mikro-orm/core';
import { type Clause, expectNames, expectThat } from './Clause.ts';
import { connected, NO_DATABASE, subjects, unconnected } from './subjects.ts';

/** Options that either choose no database and no context, or that `orm` refuses or sets itself. */
const OPTIONS = `
  assign autoJoinOneToOneOwner autoJoinRefsForFilters baseDir batchSize charset clientUrl colors context contextName
  dataloader dbName debug discovery driver driverOptions dynamicImportProvider embeddables ensureDatabase ensureIndexes
  entities entitiesTs entityGenerator extensions filters filtersOnRelations findExactlyOneOrFailHandler
  findOneOrFailHandler flushMode forceEntityConstructor forceUndefined forceUtcTimezone highlighter hydrator
  ignoreDeprecations ignoreUndefinedInQuery implicitTransactions initNullableProperties loadStrategy logger loggerFactory
  metadataCache metadataProvider migrations allowGlobalContext onQuery persistOnCreate pool populateAfterFlush
  populateWhere preferReadReplicas processOnCreateHooksEarly propagationOnPrototype resultCache routines schema
  schemaGenerator seeder serialization sessionContext subscribers upsertManaged validateRequired verbose
`;

/** What one ORM over the metadata of another, and one of its own for each tenant, come down to. */
export const ormClauses: readonly Clause[] = [
  {
    of: '@mikro-orm/postgresql',
    holds: '`new MikroORM` with `skipSyncDiscovery` discovers nothing, makes no EntityManager and connects to nothing',
    reliedOnBy: ['orm/TenantMikroORM.ts', 'orm/OrmTemplate.ts'],
    to: "open a tenant over the template's metadata, at once and without decorating its classes",
    check: (peers) => {
      const { orm, House } = unconnected(peers, { discovery: { skipSyncDiscovery: true } });
      expectThat(orm.em === undefined, 'it makes an EntityManager');
      expectThat(orm.getMetadata() === undefined, 'it has metadata');
      expectThat(!Object.hasOwn(House.prototype, '__meta'), 'it decorates the classes');
      expectThat(orm.driver instanceof peers.postgresql.PostgreSqlDriver, 'it has no driver');
    },
  },
  {
    of: '@mikro-orm/core',
    holds:
      '`driver.setMetadata` and `driver.createEntityManager` give an EntityManager over the metadata of another ORM',
    reliedOnBy: ['orm/TenantMikroORM.ts'],
    to: 'share one discovery among all tenants',
    check: (peers) => {
      const { orm: template, House } = unconnected(peers);
      const { orm } = unconnected(peers, { discovery: { skipSyncDiscovery: true } });
      const before: unknown = Reflect.get(House.prototype, '__meta');
      orm.driver.setMetadata(template.getMetadata());
      const em = orm.driver.createEntityManager();
      expectThat(em.getMetadata() === template.getMetadata(), 'its metadata is another one');
      expectThat(em.getDriver() === orm.driver, 'its driver is another one');
      expectThat(em.fork().create(House, { id: 1, address: '' }) instanceof House, 'it makes no entities');
      expectThat(Reflect.get(House.prototype, '__meta') === before, 'it decorates the classes');
    },
  },
  {
    of: '@mikro-orm/core',
    holds: 'a Configuration keeps each service under the name of its class, and asks there for comparator and hydrator',
    reliedOnBy: ['orm/TenantMikroORM.ts', 'orm/OrmTemplate.ts'],
    to: "give every tenant the template's comparator and hydrator instead of making its own",
    check: (peers) => {
      const { orm } = unconnected(peers, { hydrator: class Shared {} as never });
      const { config } = unconnected(peers, { discovery: { skipSyncDiscovery: true } }).orm;
      const comparator = { is: 'the comparator' };
      config.getCachedService(standing('EntityComparator', comparator) as Constructor);
      const found: unknown = config.getComparator(orm.getMetadata());
      expectThat(found === comparator, 'the comparator is not looked for by its name');
      expectThat(orm.config.getHydrator(orm.getMetadata()).constructor.name === 'Shared', '`hydrator` is not asked');
      expectThat(orm.em.getHydrator() === orm.em.fork().getHydrator(), 'each fork has a hydrator');
    },
  },
  {
    of: '@mikro-orm/core',
    holds: '`MikroORM.init` connects to nothing, and leaves the extensions that it found in `config`',
    reliedOnBy: ['orm/OrmTemplate.ts'],
    to: 'discover the metadata of all tenants without a database, and hand their migrator on',
    check: async ({ postgresql }) => {
      const orm = await postgresql.MikroORM.init({ ...NO_DATABASE, entities: Object.values(subjects()) });
      const names = orm.config.get('extensions').map((one) => (one as { readonly name?: string }).name);
      expectThat(names.includes('Migrator'), `the extensions are ${names.join(', ')}`);
    },
  },
  {
    of: '@mikro-orm/core',
    holds: 'every option of a Configuration is one that was looked at for whether it chooses a database or a context',
    reliedOnBy: ['orm/TenantOrmOptions.ts', 'orm/OrmTemplate.ts'],
    to: 'refuse or override those that would take a tenant elsewhere',
    check: ({ core, postgresql }) => {
      const config = new core.Configuration({ dbName: 'contract', driver: postgresql.PostgreSqlDriver }, false);
      expectNames('Configuration', Object.keys(config.getAll()), OPTIONS);
    },
  },
  {
    of: '@mikro-orm/postgresql',
    holds: 'a connection calls the function in `driverOptions` when it is first used, and gives its dialect to Kysely',
    reliedOnBy: ['orm/OrmTemplate.ts', 'orm/OrmKind.ts', 'orm/assertConnectsThroughPool.ts'],
    to: "send each statement of a tenant through the tenant's pool and nowhere else",
    check: async (peers) => {
      const asked = new Error('the pool was asked');
      const pool = { options: {}, connect: () => Promise.reject(asked), end: () => Promise.resolve() };
      let calls = 0;
      const { orm } = unconnected(peers, {
        driverOptions: () => {
          calls += 1;
          return new peers.kysely.PostgresDialect({ pool });
        },
      });
      expectThat(calls === 0, 'it is called without a need');
      const error: unknown = await orm.em
        .fork()
        .execute('select 1')
        .catch((reason: unknown) => reason);
      const reached = error === asked || (error as Error).message.includes(asked.message);
      expectThat(reached, `a statement came to: ${String(error)}`);
      expectThat(calls === 1, `it is called ${calls} times`);
    },
  },
  {
    of: '@mikro-orm/core',
    holds: "the driver's `convertException` sees each error of a query before the caller does",
    reliedOnBy: ['orm/TenantDriver.ts'],
    to: 'let its own errors through as they are',
    check: async (peers) => {
      const own = new Error('ours');
      class Driver extends peers.postgresql.PostgreSqlDriver {
        override convertException(): never {
          return own as never;
        }
      }
      const { orm, House } = unconnected(peers, { driver: Driver });
      const error: unknown = await orm.em
        .fork()
        .find(House, {})
        .catch((reason: unknown) => reason);
      expectThat(error === own, `the caller got: ${String(error)}`);
    },
  },
  {
    of: '@mikro-orm/core',
    holds: 'a result cache is made of the class in `resultCache.adapter`, and `em.clearCache` and `orm.close` call it',
    reliedOnBy: ['orm/TenantResultCache.ts', 'orm/OrmTemplate.ts'],
    to: "prefix a tenant's keys, and keep what tenants share open when one of them is closed",
    check: async (peers) => {
      const calls: string[] = [];
      const adapter = {
        get: () => undefined,
        set: () => {},
        remove: (key: string) => void calls.push(`remove ${key}`),
        clear: () => {},
        close: () => void calls.push('close'),
      };
      const { orm } = unconnected(peers, { resultCache: { adapter: standing('Cache', adapter) as never } });
      await orm.em.fork().clearCache('a');
      await orm.close();
      expectThat(calls.join() === 'remove a,close', `it was asked to: ${calls.join() || 'nothing'}`);
    },
  },
  {
    of: '@mikro-orm/core',
    holds: 'ObjectHydrator does nothing but call the function of `getEntityHydrator`, and keep `running` meanwhile',
    reliedOnBy: ['orm/SafeHydrator.ts'],
    to: 'do the same with a flag that survives an exception',
    check: (peers) => {
      const { orm, House } = unconnected(peers);
      const heard: unknown[][] = [];
      const running: boolean[] = [];
      const hydrator = new peers.core.ObjectHydrator(orm.getMetadata(), orm.driver.getPlatform(), orm.config);
      hydrator.getEntityHydrator = ((...of: unknown[]) => {
        heard.push(of.slice(1));
        return (...args: unknown[]) => {
          running.push(hydrator.isRunning());
          heard.push(args.slice(3));
        };
      }) as never;
      const meta = orm.getMetadata(House) as unknown as EntityMetadata<object>;
      const [entity, factory] = [new House(), orm.em.getEntityFactory.bind(orm.em) as never];
      hydrator.hydrate(entity, meta, {}, factory, 'full', true, true, 's', 'p', true);
      hydrator.hydrate(entity, meta, {}, factory, 'full', false, true, 's', 'p', true);
      hydrator.hydrateReference(entity, meta, {}, factory, true, 's', 'p', true);
      const expected = [
        ['full', true],
        [true, true, 's', 'p', true],
        ['full', true],
        [false, true, 's', 'p', true],
        ['reference', true],
        [false, true, 's', 'p', true],
      ];
      expectThat(JSON.stringify(heard) === JSON.stringify(expected), `it calls with ${JSON.stringify(heard)}`);
      expectThat(running.join() === 'false,true,true', `it is running: ${running.join()}`);
    },
  },
  {
    of: '@mikro-orm/core',
    holds: "a relation's setter asks the hydrator of `config` whether it is running",
    reliedOnBy: ['orm/SafeHydrator.ts'],
    to: 'tell what an application set from what was read, in the ORMs of all tenants',
    check: (peers) => {
      let asked = 0;
      class Asked extends peers.core.ObjectHydrator {
        override isRunning(): boolean {
          asked += 1;
          return super.isRunning();
        }
      }
      const { orm, House, Owner } = unconnected(peers, { hydrator: Asked });
      const em = orm.em.fork();
      const house = em.merge(House, { id: 1, address: '', owner: null });
      asked = 0;
      house.owner = em.merge(Owner, { id: 1, name: '' });
      expectThat(asked > 0, 'it does not ask');
    },
  },
  {
    of: '@mikro-orm/postgresql',
    holds: '`connection.execute(sql, parameters, method, em.getTransactionContext())` runs in the transaction of `em`',
    reliedOnBy: ['central/CentralDatabase.ts', 'catalog/DatabaseTenantStore.ts', 'provisioning/TemplateDatabase.ts'],
    to: 'write what happened in the transaction in which it happens',
    check: (peers) =>
      connected(peers, async ({ orm }) => {
        await orm.em.fork().transactional(async (em) => {
          const sql = 'select txid_current()::text as id where ? = 1';
          const run = () => em.getConnection().execute<{ id: string }[]>(sql, [1], 'all', em.getTransactionContext());
          const [[first], [second]] = [await run(), await run()];
          expectThat(first !== undefined && first.id === second?.id, 'two statements were in two transactions');
        });
      }),
  },
];

/** A class of this name, whose every instance is `instance`. */
function standing(name: string, instance: object): new () => object {
  const Class = class {
    constructor() {
      // biome-ignore lint/correctness/noConstructorReturn: this is how services are shared
      return instance;
    }
  };
  return Object.defineProperty(Class, 'name', { value: name });
}

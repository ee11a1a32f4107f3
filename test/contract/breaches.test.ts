import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { MikroORM } from '@mikro-orm/postgresql';
import { ROOT } from '../support/docs.ts';
import { breachesOf, type Peers, peersAt } from './Clause.ts';
import { clauses } from './clauses.ts';

const peers = peersAt('postgresql://nobody.invalid/none');
const { core, postgresql, migrations } = peers;

/** An import of more than types. */
const USES_PEER = /^import (?!type )[^;]*? from '(?:@mikro-orm\/[a-z]+|kysely|libsql|mysql2|pg|pg-cursor)';$/m;

/** These use what the packages document: entities, migrations, clients, cursors, lock modes. */
const DOCUMENTED_ONLY = [
  'catalog/TenantEntity.ts',
  'central/migrations/Migration001Catalog.ts',
  'central/migrations/Migration002Fleet.ts',
  'central/migrations/Migration003Provisioning.ts',
  'central/migrations/Migration004Secrets.ts',
  'cli/diagnose.ts',
  'libsql/libsqlDatabases.ts',
  'mysql/MysqlServerDatabases.ts',
  'mysql/MysqlTenantDialect.ts',
  'nestjs/TenancyModule.ts',
  'observability/tenantLogger.ts',
  'pglite/PgliteTenantDialect.ts',
  'provisioning/copy/jsonExport.ts',
  'provisioning/roles/TenantRoles.ts',
  'sqlite/sqliteDatabases.ts',
  'testing/tablesWith.ts',
];

/** What a later version might be like, and what is to be said of it. */
const alterations: readonly { readonly breaks: string; readonly altered: Partial<Peers>; readonly said: string }[] = [
  {
    breaks: 'ObjectHydrator does nothing',
    altered: {
      core: {
        ...core,
        ObjectHydrator: class extends core.ObjectHydrator {
          override hydrate(): void {}
        },
      },
    },
    said:
      'it is no longer so that ObjectHydrator does nothing but call the function of `getEntityHydrator`, and keep ' +
      '`running` meanwhile (it calls with [["reference",true],[false,true,"s","p",true]]). src/orm/SafeHydrator.ts ' +
      'relies on it to do the same with a flag that survives an exception.',
  },
  {
    breaks: '`RequestContext.create([], …)` makes',
    altered: {
      core: {
        ...core,
        RequestContext: withStatics(core.RequestContext, {
          create: (_em: unknown, work: () => unknown) =>
            core.RequestContext.create([], () => {
              core.RequestContext.currentRequestContext()?.map.set('default', {} as never);
              return work();
            }),
        }),
      },
    },
    said: "(the map is not empty). src/context/TenantContext.ts, src/context/centralContext.ts rely on it to enter a tenant's context",
  },
  {
    breaks: 'every option of a Configuration',
    altered: {
      core: {
        ...core,
        Configuration: class extends core.Configuration {
          override getAll(): never {
            return { ...super.getAll(), fallbackDatabase: 'postgres' } as never;
          }
        } as typeof core.Configuration,
      },
    },
    said: '(Configuration has fallbackDatabase, which nobody has looked at). src/orm/TenantOrmOptions.ts',
  },
  {
    breaks: 'a UnitOfWork has',
    altered: { core: { ...core, UnitOfWork: class {} as unknown as typeof core.UnitOfWork } },
    said: '(UnitOfWork has no register, merge, persist, remove, scheduleOrphanRemoval, computeChangeSets, runHooks any more)',
  },
  {
    breaks: 'an EntityManager has',
    altered: {
      postgresql: {
        ...postgresql,
        EntityManager: class extends postgresql.EntityManager {
          saveGraph(): void {}
        } as typeof postgresql.EntityManager,
      },
    },
    said: '(EntityManager has saveGraph, which nobody has looked at). src/orm/guardedEntityManager.ts relies on it to refuse',
  },
  {
    breaks: '`new MikroORM` with',
    altered: {
      postgresql: {
        ...postgresql,
        MikroORM: class extends postgresql.MikroORM {
          constructor(options: ConstructorParameters<typeof postgresql.MikroORM>[0]) {
            super({ ...options, discovery: {} } as never);
          }
        } as typeof postgresql.MikroORM,
      },
    },
    said: '(it makes an EntityManager). src/orm/TenantMikroORM.ts, src/orm/OrmTemplate.ts rely on it to open a tenant',
  },
  {
    breaks: '`resolvePaths` and',
    altered: {
      migrations: {
        ...migrations,
        Migrator: withStatics(migrations.Migrator, {
          register: ({ config, em }: MikroORM) =>
            config.registerExtension('@mikro-orm/migrator', () =>
              Object.assign(new migrations.Migrator(em as never), { discoverMigrations: async () => [] }),
            ),
        }),
      },
    },
    said: 'src/migrations/MigrationFiles.ts, src/migrations/fleet/FleetPlan.ts rely on it to know what is pending',
  },
  {
    breaks: 'a blob is read',
    altered: {
      libsql: class extends (peers.libsql as unknown as new (path: string) => { prepare(sql: string): object }) {
        override prepare() {
          return { all: () => [{ text: 'a\0b', blob: Buffer.from('c') }] };
        }
      } as unknown as Peers['libsql'],
    },
    said: '(a text is "a\\u0000b"). src/libsql/LibsqlHandle.ts, src/libsql/assertBindable.ts rely on it to give blobs',
  },
  {
    breaks: 'a cursor has',
    altered: { Cursor: class {} as unknown as Peers['Cursor'] },
    said: '(it has no `text`). src/connections/TenantConnection.ts relies on it to refuse',
  },
];

/** `Class` with other static members. */
function withStatics<C extends new (...args: never[]) => object>(Class: C, statics: object): C {
  return Object.assign(
    class extends (Class as unknown as new (...args: unknown[]) => object) {},
    statics,
  ) as unknown as C;
}

describe('a package that is not as it was', () => {
  for (const { breaks, altered, said } of alterations) {
    it(`is told of in a sentence: ${breaks} …`, async () => {
      const broken = clauses.filter(({ holds }) => holds.startsWith(breaks));
      expect(broken).toHaveLength(1);
      const [breach] = await breachesOf(broken, { ...peers, ...altered });
      expect(breach).toContain(said);
      expect(breach).toMatch(/^[@\w/-]+ \d+\.\d+\.\d+: it is no longer so that /);
    });
  }
});

describe('the list of what we lean on', () => {
  const modules = globSync('**/*.ts', { cwd: join(ROOT, 'src') });
  const listed = new Set(clauses.flatMap(({ reliedOnBy }) => reliedOnBy));

  it('names files that are there', () => {
    expect([...listed].filter((file) => !modules.includes(file))).toEqual([]);
  });

  it('has every file that uses one of these packages by more than its types and its documented ways', () => {
    const using = modules.filter((file) => USES_PEER.test(readFileSync(join(ROOT, 'src', file), 'utf8')));
    expect(using.filter((file) => !listed.has(file)).sort()).toEqual(DOCUMENTED_ONLY);
  });

  it('is in the documentation', () => {
    const page = readFileSync(join(ROOT, 'docs/versions.md'), 'utf8');
    expect(clauses.map(({ holds }) => holds).filter((holds) => !page.includes(holds))).toEqual([]);
  });
});

import type { MikroORM } from '@mikro-orm/postgresql';
import { type Clause, expectThat, type Peers } from './Clause.ts';
import { connected, unconnected } from './subjects.ts';

/** What MikroORM's migrator has inside. */
interface MigratorInside {
  readonly storage: {
    resolveTableName(): { readonly tableName: string; readonly schemaName?: string };
    getTableName(): { readonly entity: object };
  };
  resolvePaths(): Promise<void>;
  discoverMigrations(): Promise<readonly { readonly name: string; up(): Promise<void> }[]>;
  readonly runner: { run(migration: Ran, method: string, ...rest: unknown[]): Promise<void> };
}

interface Ran {
  isTransactional(): boolean;
  reset(): void;
  up(): void | Promise<void>;
  getQueries(): readonly unknown[];
}

function migrationsOf({ migrations: { Migration } }: Peers, sql = 'create table contract_garden (id int)') {
  class Migration20260101000000 extends Migration {
    override up(): void {
      this.addSql(sql);
    }
  }
  return { snapshot: false, silent: true, migrationsList: [Migration20260101000000] };
}

const NAME = 'Migration20260101000000';

const inside = (orm: MikroORM): MigratorInside => orm.migrator as unknown as MigratorInside;

/** How migrations are found, run and written down. */
export const migrationClauses: readonly Clause[] = [
  {
    of: '@mikro-orm/migrations',
    holds: '`resolvePaths` and `discoverMigrations` list the migrations without a database',
    reliedOnBy: ['migrations/MigrationFiles.ts', 'migrations/fleet/FleetPlan.ts'],
    to: 'know what is pending for a thousand tenants from one look at the folder',
    check: async (peers) => {
      const { orm } = unconnected(peers, {
        extensions: [peers.migrations.Migrator],
        migrations: migrationsOf(peers),
      });
      await inside(orm).resolvePaths();
      const names = (await inside(orm).discoverMigrations()).map(({ name }) => name);
      expectThat(names.join() === NAME, `they are: ${names.join()}`);
    },
  },
  {
    of: '@mikro-orm/migrations',
    holds: "each migration is run by the migrator's `runner.run`, also where that is replaced",
    reliedOnBy: ['migrations/fleet/watchMigrations.ts', 'migrations/fleet/FleetPlan.ts'],
    to: 'report which migration failed, whether in a transaction, and which statements one has',
    check: async (peers) => {
      const { orm } = unconnected(peers, {
        extensions: [peers.migrations.Migrator],
        migrations: migrationsOf(peers),
      });
      const migrator = inside(orm);
      const statements: string[] = [];
      let isTransactional: boolean | undefined;
      await migrator.resolvePaths();
      const [migration] = await migrator.discoverMigrations();
      migrator.runner.run = async (one) => {
        isTransactional = one.isTransactional();
        one.reset();
        await one.up();
        statements.push(...one.getQueries().map(String));
      };
      await migration?.up();
      expectThat(isTransactional === true, 'it is not run by it');
      expectThat(statements.join() === 'create table contract_garden (id int)', `it says: ${statements.join()}`);
    },
  },
  {
    of: '@mikro-orm/migrations',
    holds:
      "the migrator's `storage` writes by the entity of its `getTableName`, and names the table by `resolveTableName`",
    reliedOnBy: ['migrations/migratorOf.ts'],
    to: 'use one entity for all tenants, where MikroORM makes one for each migration and keeps it for good',
    check: (peers) =>
      connected(
        peers,
        async ({ orm }) => {
          // The tables of the entities were made before, after which MikroORM makes its parts anew.
          await orm.migrator.getPending();
          const { storage } = inside(orm);
          const { tableName, schemaName } = storage.resolveTableName();
          expectThat(`${schemaName}.${tableName}` === 'public.contract_list', `it is ${schemaName}.${tableName}`);
          const list = storage.getTableName();
          let asked = 0;
          storage.getTableName = () => {
            asked += 1;
            return list;
          };
          const registered = peers.core.EntitySchema.REGISTRY.size;
          await orm.migrator.up();
          expectThat(asked > 1, `it was asked ${asked} times`);
          const more = peers.core.EntitySchema.REGISTRY.size - registered;
          expectThat(more === 0, `it has made ${more} entities`);
        },
        {
          extensions: [peers.migrations.Migrator],
          migrations: {
            ...migrationsOf(peers, 'create table contract_list_garden (id int)'),
            tableName: 'contract_list',
          },
        },
      ),
  },
  {
    of: '@mikro-orm/migrations',
    holds: 'what was applied is in `mikro_orm_migrations` as `id`, `name` and `executed_at`, and events name it',
    reliedOnBy: ['migrations/executedMigrations.ts', 'migrations/fleet/watchMigrations.ts'],
    to: "read a tenant's version with one select, and know which migration is under way",
    check: (peers) =>
      connected(
        peers,
        async ({ orm }) => {
          const events: string[] = [];
          orm.migrator
            .on('migrating', ({ name }) => void events.push(`migrating ${name}`))
            .on('migrated', ({ name }) => void events.push(`migrated ${name}`));
          await orm.migrator.up();
          const sql = 'select id, name, executed_at from public.mikro_orm_migrations';
          const rows = await orm.em.fork().execute<{ name: string }[]>(sql);
          const [row] = rows;
          expectThat(rows.length === 1 && row?.name.replace(/\.[jt]s$/, '') === NAME, `it is ${JSON.stringify(rows)}`);
          expectThat(events.join() === `migrating ${NAME},migrated ${NAME}`, `the events are: ${events.join()}`);
        },
        { extensions: [peers.migrations.Migrator], migrations: migrationsOf(peers) },
      ),
  },
  {
    of: '@mikro-orm/migrations',
    holds: 'the extension named Migrator registers itself as `@mikro-orm/migrator`, from where `orm.migrator` takes it',
    reliedOnBy: ['cli/mikroOrmConfig.ts', 'orm/OrmTemplate.ts'],
    to: "put the migrator that takes the tenant's lock in its place",
    check: (peers) => {
      const { Migrator } = peers.migrations;
      class Own extends Migrator {
        static override register(orm: MikroORM): void {
          orm.config.registerExtension('@mikro-orm/migrator', () => new Own(orm.em as never));
        }
      }
      const { orm } = unconnected(peers, { extensions: [Own as never] });
      expectThat(Migrator.name === 'Migrator', `its name is ${Migrator.name}`);
      expectThat(orm.migrator instanceof Own, '`orm.migrator` is another one');
    },
  },
];

import type { MigrationLock } from '../TenantMigrator.ts';

/** What MikroORM's migrator runs each migration by; its events give names only. */
interface Runner {
  run(migration: { isTransactional(): boolean }, ...rest: unknown[]): Promise<void>;
}

/** Knows which migration is under way, for the report of one that fails. */
export interface MigrationWatch {
  readonly migration: string | undefined;
  readonly isTransactional: boolean;
  during<R>(under: Pick<MigrationLock, 'orm' | 'migrator'>, work: () => Promise<R>): Promise<R>;
}

export function watchMigrations(): MigrationWatch {
  let migration: string | undefined;
  let isTransactional = true;
  const started = ({ name }: { readonly name: string }): void => {
    migration = name;
    isTransactional = true;
  };
  const ended = (): void => {
    migration = undefined;
  };
  return {
    get migration() {
      return migration;
    },
    get isTransactional() {
      return isTransactional;
    },
    async during({ orm, migrator }, work) {
      migrator.on('migrating', started).on('migrated', ended).on('reverting', started).on('reverted', ended);
      const { runner } = migrator as unknown as { readonly runner: Runner };
      const run = runner.run.bind(runner);
      const { transactional = true } = orm.config.get('migrations');
      runner.run = (one, ...rest) => {
        isTransactional = transactional && one.isTransactional();
        return run(one, ...rest);
      };
      return work();
    },
  };
}

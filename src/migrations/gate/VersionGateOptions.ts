import type { MikroORM } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { LONGEST_DELAY_MS } from '../../connections/Clock.ts';
import { TenancyConfigurationError } from '../../errors.ts';
import { MigrationFiles } from '../MigrationFiles.ts';

/** Which version of a tenant's schema the application needs, and what becomes of tenants that do not have it. */
export interface VersionGateOptions {
  /**
   * The name of a migration, or `latest` for the newest one that the application knows. A tenant is behind while this one
   * or one before it is pending.
   */
  readonly requires: string;
  /**
   * What a tenant gets that is behind: `serve` serves it, `refuse` answers 503 with Retry-After, `migrate` migrates it on
   * its first access, for which its callers wait.
   */
  readonly whenBehind: 'serve' | 'refuse' | 'migrate';
  /**
   * What Retry-After says, and how long a migration that failed is left alone, in milliseconds. @default 5000
   */
  readonly retryAfterMs?: number | undefined;
  /** How long callers wait for the migration of `migrate`, in milliseconds, before they get 503. @default 10000 */
  readonly waitMs?: number | undefined;
}

export type CheckedVersionGate = { readonly [K in keyof VersionGateOptions]-?: NonNullable<VersionGateOptions[K]> };

export const VERSION_GATE_DEFAULTS = Object.freeze({ retryAfterMs: 5_000, waitMs: 10_000 });

export const versionGateShape = z.strictObject({
  requires: z.string().min(1),
  whenBehind: z.enum(['serve', 'refuse', 'migrate']),
  retryAfterMs: z.int().min(1).max(LONGEST_DELAY_MS).default(VERSION_GATE_DEFAULTS.retryAfterMs),
  waitMs: z.int().min(1).max(LONGEST_DELAY_MS).default(VERSION_GATE_DEFAULTS.waitMs),
});

/**
 * The names of the migrations that a tenant must have, in their order. Reads the folder of migrations, and no database.
 * Throws `TenancyConfigurationError` where the one that is required is not among them.
 */
export async function requiredMigrations(
  orm: MikroORM,
  { requires }: Pick<VersionGateOptions, 'requires'>,
): Promise<readonly string[]> {
  const names = (await new MigrationFiles(orm).list()).map(({ name }) => name);
  const newest = names.at(-1);
  if (newest === undefined) {
    throw new TenancyConfigurationError(
      '`versionGate`: the application knows no migrations. Look at `orm.migrations`, or leave `versionGate` out.',
    );
  }
  const at = names.indexOf(requires === 'latest' ? newest : requires);
  if (at < 0) {
    throw new TenancyConfigurationError(
      `\`versionGate.requires\`: there is no migration "${requires}"; the newest one is "${newest}".`,
    );
  }
  return names.slice(0, at + 1);
}

import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { LONGEST_DELAY_MS } from '../connections/Clock.ts';
import { TenancyConfigurationError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { CopyMethodOptions } from './copy/CopierParts.ts';
import type { CreationStrategy } from './creationStrategy.ts';
import type { PlacementOptions } from './placement.ts';

/** A class that extends `Seeder` of `@mikro-orm/seeder`. */
export type SeederClass = new () => { run(em: EntityManager): void | Promise<void> };

/** Fills the database of a new tenant, in one transaction. */
export type TenantSeed<T extends Tenant = Tenant> =
  | SeederClass
  | ((em: EntityManager, tenant: T) => void | Promise<void>);

/** Called for a tenant, with its EntityManager. It may be called again after a crash: `operationId` is the same then. */
export type TenantHook<T extends Tenant = Tenant> = (
  em: EntityManager,
  tenant: T,
  operation: { readonly operationId: string | undefined },
) => void | Promise<void>;

/** The database of each server that new tenants are copied from. */
export interface TemplateDatabaseOptions {
  /** The database that templates are built from, for extensions and the like. @default 'template1' */
  readonly base?: string | undefined;
  /** Writes what every tenant begins with, once, after the migrations, in one transaction. @default nothing */
  readonly prepare?: ((em: EntityManager) => void | Promise<void>) | undefined;
  /** Changes with `prepare`, of whose code nothing is known: another value is another template. @default '' */
  readonly version?: string | undefined;
  /** How PostgreSQL copies the template. @default by its size and the server's version */
  readonly strategy?: CreationStrategy | undefined;
  /** For how long a template of other migrations is kept after its last use. @default 86400000 (a day) */
  readonly keepTemplatesMs?: number | undefined;
}

/** Databases that are ready for tenants to come, on each server. */
export interface SpareOptions {
  /** Fewer than so many are made more of. @default 2 */
  readonly min?: number | undefined;
  /** So many are there then, at most. @default twice `min` */
  readonly max?: number | undefined;
  /** How often it is looked whether they are enough, beside after each that is taken. @default 5000 */
  readonly checkEveryMs?: number | undefined;
  /** Whether this process makes them; others may leave it to it. @default true */
  readonly refill?: boolean | undefined;
}

/** How tenants come into being, move and go. */
export interface ProvisioningOptions<T extends Tenant = Tenant> {
  readonly template?: TemplateDatabaseOptions | undefined;
  /** @default none: each database is copied when its tenant comes */
  readonly spares?: SpareOptions | undefined;
  /** @default nothing */
  readonly seed?: TenantSeed<T> | undefined;
  /** Called for a new tenant before it is active. */
  readonly onProvisioned?: TenantHook<T> | undefined;
  /** Called for a copy of a tenant before it is active, as to remove what a staging copy must not have. */
  readonly onCloned?: TenantHook<T> | undefined;
  /** The name of a new tenant's database. @default the id */
  readonly databaseName?: ((id: string) => string) | undefined;
  /** The server of a new tenant that names none. @default the one with the most room */
  readonly placement?: PlacementOptions | undefined;
  /** How long processes have to let go of a tenant that is closed, moved or dropped. @default 10000 */
  readonly drainTimeoutMs?: number | undefined;
  /** How databases are copied by `clone` and `move`. */
  readonly copy?: CopyMethodOptions | undefined;
  /** For how long the database that a tenant was moved from is kept. @default 86400000 (a day) */
  readonly keepMovedMs?: number | undefined;
  /** For how long an archived tenant is kept, unless `archive` says otherwise. @default 2592000000 (30 days) */
  readonly keepArchivedMs?: number | undefined;
  /** After how long without a sign of life another process goes on with an operation. @default 30000 */
  readonly leaseMs?: number | undefined;
}

export type TemplateOptions = Pick<TemplateDatabaseOptions, 'prepare' | 'version' | 'strategy'> & {
  readonly base: string;
  readonly keepTemplatesMs: number;
};

export interface CheckedSpares {
  readonly min: number;
  readonly max: number;
  readonly checkEveryMs: number;
  readonly refill: boolean;
}

export interface CheckedProvisioning<T extends Tenant = Tenant> {
  readonly template: TemplateOptions;
  readonly spares: CheckedSpares | undefined;
  readonly seed: TenantSeed<T> | undefined;
  readonly onProvisioned: TenantHook<T> | undefined;
  readonly onCloned: TenantHook<T> | undefined;
  readonly databaseName: (id: string) => string;
  readonly placement: PlacementOptions;
  readonly copy: CopyMethodOptions;
  readonly drainTimeoutMs: number;
  readonly keepMovedMs: number;
  readonly keepArchivedMs: number;
  readonly leaseMs: number;
}

const DAY_MS = 24 * 60 * 60_000;

const functionOf = <F>() => z.custom<F>((value) => typeof value === 'function', 'a function').optional();
const span = (fallback: number) => z.number().int().min(0).default(fallback);
const delay = (fallback: number) => z.int().min(1).max(LONGEST_DELAY_MS).default(fallback);

const shape = z.strictObject({
  template: z
    .strictObject({
      base: z.string().min(1).default('template1'),
      prepare: functionOf<NonNullable<TemplateDatabaseOptions['prepare']>>(),
      version: z.string().optional(),
      strategy: z.enum(['wal-log', 'file-copy', 'clone']).optional(),
      keepTemplatesMs: span(DAY_MS),
    })
    .prefault({}),
  spares: z
    .strictObject({
      min: z.int().min(1).default(2),
      max: z.int().min(1).optional(),
      checkEveryMs: delay(5_000),
      refill: z.boolean().default(true),
    })
    .optional(),
  seed: functionOf<TenantSeed>(),
  onProvisioned: functionOf<TenantHook>(),
  onCloned: functionOf<TenantHook>(),
  databaseName: functionOf<(id: string) => string>(),
  placement: z
    .strictObject({
      servers: z
        .record(
          z.string(),
          z.strictObject({
            weight: z.number().positive().optional(),
            region: z.string().min(1).optional(),
            maxTenants: z.int().min(0).optional(),
          }),
        )
        .optional(),
      choose: functionOf<NonNullable<PlacementOptions['choose']>>(),
    })
    .prefault({}),
  copy: z
    .strictObject({ by: z.enum(['auto', 'pg_dump', 'stream']).optional(), programs: z.string().min(1).optional() })
    .prefault({}),
  drainTimeoutMs: delay(10_000),
  keepMovedMs: span(DAY_MS),
  keepArchivedMs: span(30 * DAY_MS),
  leaseMs: delay(30_000),
});

/** Checks the options and fills in the defaults. Throws `TenancyConfigurationError`, which names each option. */
export function checkProvisioning<T extends Tenant>(
  options: ProvisioningOptions<T> = {},
  hasCentral: boolean,
): CheckedProvisioning<T> {
  const parsed = shape.safeParse(options);
  if (!parsed.success) {
    throw new TenancyConfigurationError(`\`provisioning\`: ${z.prettifyError(parsed.error)}`);
  }
  const { spares, databaseName = (id: string) => id, template, placement, ...rest } = parsed.data;
  if (spares !== undefined && !hasCentral) {
    throw new TenancyConfigurationError(
      '`provisioning.spares` needs the central database, where processes see which are taken. Give `central`, or leave them out.',
    );
  }
  const { seed, onProvisioned, onCloned } = options;
  return Object.freeze({
    ...rest,
    ...{ seed, onProvisioned, onCloned, databaseName },
    placement: placement as PlacementOptions,
    template: template as TemplateOptions,
    spares: spares && checkedSpares(spares),
  });
}

function checkedSpares(spares: Omit<CheckedSpares, 'max'> & { readonly max?: number | undefined }): CheckedSpares {
  const { min, max = 2 * min } = spares;
  if (max < min) {
    throw new TenancyConfigurationError(`\`provisioning.spares.max\` (${max}) is less than \`min\` (${min}).`);
  }
  return { ...spares, max };
}

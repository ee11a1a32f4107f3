import type { Migration } from '@mikro-orm/migrations';
import type { MikroORM } from '@mikro-orm/postgresql';
import { messageOf } from '../../errors.ts';
import type { OrmTemplate } from '../../orm/OrmTemplate.ts';
import { serverOf, type Tenant } from '../../tenant/Tenant.ts';
import type { FleetStatus, StatusFailure } from '../status/FleetStatus.ts';

/** What a run would do. Plain data that JSON holds. */
export interface FleetPlan {
  /** The last migration that it would apply. */
  readonly to: string | undefined;
  /** Those that some tenant lacks, in their order. */
  readonly migrations: readonly PlannedMigration[];
  readonly counts: {
    readonly tenants: number;
    readonly behind: number;
    readonly current: number;
    readonly failed: number;
  };
  readonly waves: readonly (readonly PlannedTenant[])[];
}

/** A migration that some of the tenants lack. */
export interface PlannedMigration {
  readonly name: string;
  /** How many tenants lack it. */
  readonly tenants: number;
  /** Its statements, where they were asked for. */
  readonly sql: readonly string[] | undefined;
  /** Why they cannot be said: the migration asks a database which ones they are. */
  readonly sqlUnknownBecause: string | undefined;
}

/** What one tenant lacks, as its database says now. */
export interface PlannedTenant {
  readonly tenantId: string;
  readonly server: string;
  readonly from: string | undefined;
  readonly pending: readonly string[];
  /** Why its database could not be asked. */
  readonly error: StatusFailure | undefined;
}

export interface PlanOf<T extends Tenant> {
  readonly template: OrmTemplate;
  readonly known: readonly string[];
  readonly to: string | undefined;
  readonly sql: boolean;
  readonly found: FleetStatus;
  readonly waves: readonly { readonly tenant: T; readonly wave: number }[];
}

export async function planOf<T extends Tenant>({
  template,
  known,
  to,
  sql,
  found,
  waves,
}: PlanOf<T>): Promise<FleetPlan> {
  const inRange = new Set(known);
  const states = new Map(found.tenants.map((state) => [state.tenantId, state]));
  const planned = waves.map(({ tenant, wave }) => {
    const state = states.get(tenant.id);
    const of = { tenantId: tenant.id, server: serverOf(tenant) };
    const plan: PlannedTenant =
      state === undefined || state.state === 'failed'
        ? { ...of, from: undefined, pending: [], error: state?.error }
        : { ...of, from: state.version, pending: state.pending.filter((name) => inRange.has(name)), error: undefined };
    return { wave, plan };
  });
  const plans = planned.map(({ plan }) => plan);
  const lacking = known
    .map((name) => ({ name, tenants: plans.filter(({ pending }) => pending.includes(name)).length }))
    .filter(({ tenants }) => tenants > 0);
  const failed = plans.filter(({ error }) => error !== undefined).length;
  const behind = plans.filter(({ pending }) => pending.length > 0).length;
  const counts = { tenants: plans.length, behind, failed, current: plans.length - behind - failed };
  const migrations: PlannedMigration[] = [];
  for (const one of lacking) {
    migrations.push({ ...one, ...(sql ? await statementsOf(template.orm, one.name) : NO_SQL) });
  }
  const groups = Map.groupBy(planned, ({ wave }) => wave);
  return {
    to: to ?? known.at(-1),
    migrations,
    counts,
    waves: [...groups.values()].map((g) => g.map(({ plan }) => plan)),
  };
}

const NO_SQL = { sql: undefined, sqlUnknownBecause: undefined };

interface Discovered {
  readonly name: string;
  up(afterRun?: () => Promise<void>): Promise<void>;
}

/** What MikroORM's migrator has inside: its list, and what runs a migration. */
interface Inside {
  resolvePaths(): Promise<void>;
  discoverMigrations(): Promise<readonly Discovered[]>;
  readonly runner: { run(migration: Migration, method: 'up' | 'down', afterRun?: () => Promise<void>): Promise<void> };
}

/** Has the migration say its statements, by a migrator of its own, on an ORM that reaches no database. */
async function statementsOf(orm: MikroORM, name: string): Promise<Pick<PlannedMigration, 'sql' | 'sqlUnknownBecause'>> {
  const migrator: Inside = Reflect.construct(orm.migrator.constructor, [orm.em]);
  const { runner } = migrator;
  let sql: string[] = [];
  try {
    await migrator.resolvePaths();
    const migration = (await migrator.discoverMigrations()).find((one) => one.name === name);
    runner.run = async (one) => {
      one.reset();
      await one.up();
      sql = one.getQueries().map(String);
    };
    await migration?.up();
    return { sql, sqlUnknownBecause: undefined };
  } catch (error) {
    return { sql: undefined, sqlUnknownBecause: messageOf(error) };
  }
}

import { sessionWith } from '../../connections/SessionSettings.ts';
import { messageOf } from '../../errors.ts';
import type { TenancyEmitter } from '../../events.ts';
import { executedNames } from '../executedMigrations.ts';
import type { KnownMigration } from '../MigrationFiles.ts';
import { failureOf } from '../status/failureOf.ts';
import type { MigrationLock, TenantMigrator } from '../TenantMigrator.ts';
import { assertCanTakeBack } from './assertCanTakeBack.ts';
import type { FleetFailure, FleetMigration, FleetRunKind, FleetRunSettings } from './FleetRun.ts';
import { watchMigrations } from './watchMigrations.ts';

export interface TenantStepParts {
  readonly migrator: (tenantId: string) => TenantMigrator;
  readonly known: readonly KnownMigration[];
  /** Where a database has its list, quoted. */
  readonly table: string;
  readonly kind: FleetRunKind;
  readonly settings: FleetRunSettings;
  readonly events: TenancyEmitter;
}

/** What one attempt came to. `migrations` is what the whole run has done to the tenant so far. */
export interface StepResult {
  readonly migrations: readonly FleetMigration[];
  readonly to: string | undefined;
  readonly failure: { readonly error: unknown; readonly report: FleetFailure } | undefined;
}

/** Somebody else has the tenant by now: this attempt changes and says nothing. */
export class ClaimLostError extends Error {
  override readonly name = 'ClaimLostError';
}

export interface StepOf {
  readonly tenantId: string;
  readonly takesBack: readonly FleetMigration[] | undefined;
  /** Writes down what the database has, before anything is changed. Gives what it had before the run. */
  readonly begin: (executed: readonly string[]) => Promise<readonly string[]>;
}

/**
 * One attempt at one tenant: a session with the run's time limits, the advisory lock, what the database has, which is
 * written down, the migrations, and what it has then. Only the database is believed: what an attempt did that died
 * before it could say so is found by comparing with what was there before the run.
 */
export async function stepTenant(parts: TenantStepParts, of: StepOf): Promise<StepResult> {
  const { lockTimeoutMs, statementTimeoutMs } = parts.settings;
  const watch = watchMigrations();
  let result: StepResult = { migrations: [], to: undefined, failure: undefined };
  const settle = (error: unknown): StepResult => ({ ...result, failure: { error, report: reportOf(error, watch) } });
  try {
    return await parts.migrator(of.tenantId).locked(async (lock) => {
      const executed = await namesIn(lock, parts);
      const before = await of.begin(executed);
      try {
        await watch.during(lock, () => change(parts, of, lock, executed));
        result = resultOf(parts, of, before, await namesIn(lock, parts));
        return result;
      } catch (error) {
        // Migrations that are not all in one transaction may have come through before the one that failed.
        const after = await namesIn(lock, parts).catch(() => undefined);
        result = after === undefined ? result : resultOf(parts, of, before, after);
        return settle(error);
      }
    }, sessionWith({ lockTimeoutMs, statementTimeoutMs }));
  } catch (error) {
    if (error instanceof ClaimLostError) {
      throw error;
    }
    return settle(error);
  }
}

async function change(
  { kind, settings, known, events }: TenantStepParts,
  { takesBack = [] }: StepOf,
  { migrator, tenant, startedAt }: MigrationLock,
  executed: readonly string[],
): Promise<void> {
  const done =
    kind === 'migrate'
      ? await migrator.up(settings.to === undefined ? undefined : { to: settings.to })
      : await takeBack(migrator, assertCanTakeBack(tenant.id, takesBack, executed, known));
  if (done.length > 0) {
    const event = kind === 'migrate' ? 'migration:applied' : 'migration:reverted';
    const migrations = done.map(({ name }) => name);
    events.emit(event, { tenantId: tenant.id, migrations, tookMs: performance.now() - startedAt });
  }
}

async function takeBack(
  migrator: MigrationLock['migrator'],
  migrations: string[],
): Promise<{ readonly name: string }[]> {
  return migrations.length === 0 ? [] : migrator.down({ migrations });
}

function resultOf(
  { kind, known }: TenantStepParts,
  { takesBack = [] }: StepOf,
  before: readonly string[],
  after: readonly string[],
): StepResult {
  const [had, has] = [new Set(before), new Set(after)];
  const checksums = new Map(known.map(({ name, checksum }) => [name, checksum]));
  const migrations =
    kind === 'migrate'
      ? after.filter((name) => !had.has(name)).map((name) => ({ name, checksum: checksums.get(name) }))
      : takesBack.filter(({ name }) => had.has(name) && !has.has(name));
  return { migrations, to: after.at(-1), failure: undefined };
}

async function namesIn({ connection }: MigrationLock, { table }: TenantStepParts): Promise<readonly string[]> {
  return executedNames(connection, table);
}

function reportOf(error: unknown, watch: ReturnType<typeof watchMigrations>): FleetFailure {
  const { migration, isTransactional } = watch;
  const mayBeHalfDone = migration !== undefined && !isTransactional;
  const failure = failureOf(error);
  const message = mayBeHalfDone
    ? `${messageOf(error)} The migration ${migration} is not in a transaction: what it did before the error is still there. ` +
      'Look at the database before you try again.'
    : failure.message;
  return { ...failure, message, migration, mayBeHalfDone };
}

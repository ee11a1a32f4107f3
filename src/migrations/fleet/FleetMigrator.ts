import type { z } from 'zod';
import type { Clock } from '../../connections/Clock.ts';
import type { PostgresServer } from '../../connections/PostgresServer.ts';
import { TenancyConfigurationError } from '../../errors.ts';
import type { TenancyEmitter } from '../../events.ts';
import type { OrmTemplate } from '../../orm/OrmTemplate.ts';
import { serverOf, type Tenant } from '../../tenant/Tenant.ts';
import { migrationsTable } from '../executedMigrations.ts';
import { MigrationFiles } from '../MigrationFiles.ts';
import type { FleetStatus } from '../status/FleetStatus.ts';
import type { FleetStatusOptions } from '../status/FleetStatusOptions.ts';
import type { FleetStatusReader } from '../status/FleetStatusReader.ts';
import type { TenantMigrator } from '../TenantMigrator.ts';
import {
  type CheckedSelection,
  type CheckedWork,
  checkFleetOptions,
  type FleetMigrateOptions,
  type FleetPlanOptions,
  type FleetReportOptions,
  type FleetRollbackOptions,
  type FleetSelection,
  type FleetWorkOptions,
  migrateShape,
  planShape,
  recordShape,
  reportShape,
  rollbackShape,
  selectionShape,
  workShape,
} from './FleetOptions.ts';
import { type FleetPlan, planOf } from './FleetPlan.ts';
import type { FleetReport, FleetRun } from './FleetRun.ts';
import { FleetWorker } from './FleetWorker.ts';
import { FleetNotRecordedError, FleetRunStateError } from './fleetErrors.ts';
import { MemoryRunLedger } from './MemoryRunLedger.ts';
import type { FleetLedger, NewFleetItem, NewFleetRun, RunLedger } from './RunLedger.ts';
import { reportOf } from './reportOf.ts';
import { selectTenants, type TenantsToSelect } from './selectTenants.ts';
import { stepTenant } from './TenantStep.ts';
import { inWaves } from './waves.ts';

export interface FleetMigratorParts<T extends Tenant> {
  readonly catalog: TenantsToSelect<T>;
  readonly template: OrmTemplate;
  readonly migrator: (tenantId: string) => TenantMigrator;
  readonly status: FleetStatusReader<T>;
  readonly servers: ReadonlyMap<string, PostgresServer>;
  readonly events: TenancyEmitter;
  readonly clock: Clock;
  /** `undefined` without a central database. */
  readonly ledger: FleetLedger | undefined;
  /** Throws once the manager is closed. */
  readonly assertOpen: () => void;
}

/**
 * Migrates all tenants, or some of them, as a run: planned, written down in the central database, and done by as many
 * processes as take part. What fails for one tenant is in the report and stops nobody else.
 */
export class FleetMigrator<T extends Tenant = Tenant> {
  readonly #parts: FleetMigratorParts<T>;

  /** @internal */
  constructor(parts: FleetMigratorParts<T>) {
    this.#parts = parts;
  }

  /**
   * Which tenants a run would take, in which waves, and what each lacks; with `sql`, the statements of each migration as
   * well. Asks each database by one select; writes down and changes nothing.
   */
  async plan(
    options: FleetPlanOptions<T> & { readonly sql?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<FleetPlan> {
    const checked = checkFleetOptions('plan', planShape, options);
    const { template, status } = this.#parts;
    const known = await this.#knownUpTo(checked.to);
    const tenants = await this.#chosen(checked, checked.order);
    const { signal } = checked;
    const found = await status.read(tenants, signal === undefined ? {} : { signal });
    return planOf({ template, known, to: checked.to, sql: checked.sql, found, waves: inWaves(tenants, checked.waves) });
  }

  /**
   * Applies what is pending, wave by wave. Gives the report of the run, failures included; rejects only where the run
   * itself cannot go on, as without the central database.
   */
  async migrate(options: FleetMigrateOptions<T> = {}): Promise<FleetReport> {
    const checked = checkFleetOptions('migrate', migrateShape, options);
    this.#perServer(checked);
    return this.#work(await this.#planned(checked), checked);
  }

  /** Writes a run down that nobody works on yet, for others to `join`. */
  async record(options: Omit<FleetMigrateOptions<T>, keyof FleetWorkOptions> = {}): Promise<FleetReport> {
    const checked = checkFleetOptions('record', recordShape, options);
    this.#ledger('record');
    return reportOf(await this.#planned(checked), true);
  }

  async #planned(
    checked: z.infer<typeof recordShape> & { readonly signal?: AbortSignal | undefined; readonly between?: unknown },
  ): Promise<RunLedger> {
    const { to, attempts, lockTimeoutMs, statementTimeoutMs, stopAfterFailures, pauseMs, by, between } = checked;
    await this.#knownUpTo(to);
    checked.signal?.throwIfAborted();
    const tenants = await this.#chosen(checked, checked.order);
    const items = inWaves(tenants, checked.waves).map(({ tenant, wave }) => ({
      tenantId: tenant.id,
      server: serverOf(tenant),
      wave,
    }));
    const confirms = between !== undefined;
    const settings = { to, attempts, lockTimeoutMs, statementTimeoutMs, stopAfterFailures, pauseMs, confirms };
    return this.#begin({ kind: 'migrate', settings, by, ofRun: undefined }, items);
  }

  /** Goes on with what a run left pending; after a stop between two waves, with the next one. */
  async resume(runId: string, options: FleetWorkOptions = {}): Promise<FleetReport> {
    const work = checkFleetOptions('resume', workShape, options);
    const ledger = await this.#ledger('resume').open(runId);
    await ledger.reopen('resume');
    return this.#work(ledger, work);
  }

  /** Tries the tenants of a run once more that failed, and goes on with it. */
  async retry(runId: string, options: FleetWorkOptions = {}): Promise<FleetReport> {
    const work = checkFleetOptions('retry', workShape, options);
    const ledger = await this.#ledger('retry').open(runId);
    await ledger.reopen('retry');
    return this.#work(ledger, work);
  }

  /**
   * Takes part in a run that is under way, from any process. Resolves when it has ended or stopped, when it waits for a
   * consent that this process cannot give, or when `signal` comes, which leaves the run to the others.
   */
  async join(runId: string, options: FleetWorkOptions = {}): Promise<FleetReport> {
    const work = checkFleetOptions('join', workShape, options);
    return this.#work(await this.#ledger('join').open(runId), work, { isGuest: true });
  }

  /**
   * Takes back what a run applied, and nothing else, by a run of its own: from each tenant in reverse order. A tenant that
   * was migrated further since is a failure of the report. Rejects with `FleetRunStateError` while the run is under way,
   * and where it has been taken back before: that run is resumed or retried.
   */
  async rollback(runId: string, options: FleetRollbackOptions = {}): Promise<FleetReport> {
    const checked = checkFleetOptions('rollback', rollbackShape, options);
    const { attempts, lockTimeoutMs, statementTimeoutMs, stopAfterFailures, by } = checked;
    const run = await this.report(runId);
    if (run.state === 'running') {
      throw new FleetRunStateError(runId, 'is under way. Stop it first, or wait for its end.');
    }
    if (run.kind === 'rollback') {
      throw new FleetRunStateError(
        runId,
        'took back another run itself. Use `fleet.migrate()` to apply migrations again.',
      );
    }
    const settings = {
      ...{ to: undefined, attempts, lockTimeoutMs, statementTimeoutMs, stopAfterFailures },
      ...{ pauseMs: 0, confirms: false },
    };
    const takenBack = run.items
      .filter(({ migrations }) => migrations.length > 0)
      .map(({ tenantId, server, migrations }) => ({ tenantId, server, wave: 1, takesBack: migrations }));
    return this.#work(await this.#begin({ kind: 'rollback', settings, by, ofRun: runId }, takenBack), checked);
  }

  /**
   * The report of a run as it is now. With options `items` has only those tenants, of a run over very many; its counts are
   * of all. Rejects with `FleetRunNotFoundError`.
   */
  async report(runId: string, options?: FleetReportOptions): Promise<FleetReport> {
    const filter = options && checkFleetOptions('report', reportShape, options);
    return reportOf(await this.#ledger('report').open(runId), true, filter);
  }

  /** The newest runs first. */
  async runs({ limit = 20 }: { readonly limit?: number } = {}): Promise<FleetRun[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
      throw new TenancyConfigurationError('`limit` of `fleet.runs` must be a whole number from 1 to 1000.');
    }
    return this.#ledger('runs').runs(limit);
  }

  /**
   * Who is behind, by how much, and which migrations were edited, are missing or out of order; with `drift`, how the
   * schemas differ from what their migrations come to. One select for each tenant, and no ORM.
   */
  async status(options: FleetSelection<T> & FleetStatusOptions = {}): Promise<FleetStatus> {
    const { drift, statementTimeoutMs, signal, ...selection } = options;
    const chosen = checkFleetOptions('status', selectionShape, selection);
    const found = await this.#parts.status.read(await this.#select(chosen), { drift, statementTimeoutMs, signal });
    return chosen.behind ? { ...found, tenants: found.tenants.filter(({ state }) => state === 'behind') } : found;
  }

  async #begin(run: NewFleetRun, items: readonly NewFleetItem[]): Promise<RunLedger> {
    const { ledger, clock, events } = this.#parts;
    const own = (await ledger?.create(run, items)) ?? new MemoryRunLedger(run, items, clock);
    const { run: created } = await own.progress();
    events.emit('fleet:run-started', {
      runId: created.id,
      kind: run.kind,
      tenants: items.length,
      waves: created.waves,
    });
    return own;
  }

  async #work(ledger: RunLedger, options: CheckedWork, { isGuest = false } = {}): Promise<FleetReport> {
    const { template, events, migrator, assertOpen } = this.#parts;
    const perServer = this.#perServer(options);
    const { run } = await ledger.progress();
    const known = await new MigrationFiles(template.orm).withChecksums();
    const of = {
      migrator,
      known,
      table: migrationsTable(template.orm),
      kind: run.kind,
      settings: run.settings,
      events,
    };
    const worker = new FleetWorker({
      ...{ ledger, run, options, perServer, events, assertOpen },
      step: ({ tenantId, takesBack }, begin) => stepTenant(of, { tenantId, takesBack, begin }),
    });
    await worker.work();
    if (options.signal?.aborted === true && !isGuest) {
      await ledger.stop('its caller stopped it');
    }
    const report = await reportOf(ledger, run.id !== undefined);
    events.emit('fleet:run-ended', { runId: run.id, kind: run.kind, state: report.state, counts: report.counts });
    return report;
  }

  async #chosen(
    checked: CheckedSelection,
    order: ((one: Tenant, other: Tenant) => number) | undefined,
  ): Promise<readonly T[]> {
    const tenants = await this.#select(checked);
    if (!checked.behind) {
      return order === undefined ? tenants : tenants.toSorted(order);
    }
    const found = await this.#parts.status.read(tenants);
    // One that did not answer is tried, so that the report says why.
    const states = new Map(found.tenants.map(({ tenantId, state }) => [tenantId, state]));
    const behind = tenants.filter(({ id }) => ['behind', 'failed'].includes(states.get(id) ?? 'failed'));
    return order === undefined ? behind : behind.toSorted(order);
  }

  #select(selection: CheckedSelection): Promise<T[]> {
    return selectTenants(this.#parts.catalog, selection, new Set(this.#parts.servers.keys()));
  }

  async #knownUpTo(to: string | undefined): Promise<readonly string[]> {
    this.#parts.assertOpen();
    const known = (await new MigrationFiles(this.#parts.template.orm).list()).map(({ name }) => name);
    if (to !== undefined && !known.includes(to)) {
      throw new TenancyConfigurationError(`\`to\` names the migration "${to}", which the application does not have.`);
    }
    return to === undefined ? known : known.slice(0, known.indexOf(to) + 1);
  }

  #perServer({ concurrencyPerServer }: CheckedWork): ReadonlyMap<string, number> {
    const { servers } = this.#parts;
    for (const [name, { maxMigrations }] of servers) {
      if (concurrencyPerServer !== undefined && concurrencyPerServer > maxMigrations) {
        throw new TenancyConfigurationError(
          `\`concurrencyPerServer\` is ${concurrencyPerServer}, and the reserve of server "${name}" has room for ` +
            `${maxMigrations} migrations at once. Raise its \`reservedConnections\` to ${concurrencyPerServer + 1}.`,
        );
      }
    }
    return new Map([...servers].map(([name, { maxMigrations }]) => [name, concurrencyPerServer ?? maxMigrations]));
  }

  #ledger(method: string): FleetLedger {
    const { ledger, assertOpen } = this.#parts;
    assertOpen();
    if (ledger === undefined) {
      throw new FleetNotRecordedError(method);
    }
    return ledger;
  }
}

import type { PostgresServer } from '../../connections/PostgresServer.ts';
import type { EndablePool } from '../../connections/TenantPool.ts';
import type { OrmTemplate } from '../../orm/OrmTemplate.ts';
import { serverOf, type Tenant } from '../../tenant/Tenant.ts';
import { executedNames, migrationsTable } from '../executedMigrations.ts';
import { type KnownMigration, MigrationFiles } from '../MigrationFiles.ts';
import { compareMigrations } from './compareMigrations.ts';
import { DriftCheck, type SchemaReading } from './DriftCheck.ts';
import type { FleetStatus, TenantStatusReport, TenantVersionReport } from './FleetStatus.ts';
import { checkStatusOptions, type FleetStatusOptions } from './FleetStatusOptions.ts';
import { failureOf } from './failureOf.ts';
import { fingerprintOf } from './schemaOf.ts';
import { summaryOf } from './summaryOf.ts';
import { TenantSessions } from './TenantSessions.ts';

/** The checksums of applied migrations as recorded then: by tenant, and then by the name of the migration. */
export type RecordedChecksums = ReadonlyMap<string, ReadonlyMap<string, string>>;

export interface FleetStatusReaderParts<T extends Tenant> {
  readonly template: OrmTemplate;
  /** Where the tenant's database is. Throws `TenancyConfigurationError`. */
  readonly serverOf: (tenant: T) => PostgresServer;
  /** Resolves the tenant, or rejects with `TenantNotFoundError`. */
  readonly find: (id: string) => Promise<T>;
  /** What the ledger has of these tenants. @default there is no ledger */
  readonly recorded?: ((tenantIds: readonly string[]) => Promise<RecordedChecksums>) | undefined;
  /** Told of every session, so that closing the manager can end it. */
  readonly track: (pool: EndablePool) => () => void;
  /** Throws once the manager is closed. */
  readonly assertOpen: () => void;
  readonly lockTimeoutMs: number;
}

/** How many tenants the ledger is asked about at once: its answer has a line for each migration of each of them. */
const PAGE = 500;

/** A tenant that was asked. */
interface Reading<T extends Tenant> {
  readonly tenant: T;
  readonly report: TenantStatusReport;
  /** Where drift was asked for and the tenant answered. */
  readonly fingerprint: string | undefined;
}

/**
 * Where the tenants stand, by one select in each of their databases, without an ORM. A tenant whose database is missing
 * or does not answer is a line of the report.
 */
export class FleetStatusReader<T extends Tenant> {
  readonly #parts: FleetStatusReaderParts<T>;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(parts: FleetStatusReaderParts<T>) {
    this.#parts = parts;
  }

  /** Rejects with the reason of `signal`, with `ManagerClosedError`, or when the central database cannot be asked. */
  async read(tenants: readonly T[], options: FleetStatusOptions = {}): Promise<FleetStatus> {
    const reading = this.#read(tenants, options);
    this.#underWay.add(reading);
    try {
      return await reading;
    } finally {
      this.#underWay.delete(reading);
    }
  }

  /** Resolves when nothing is read any more. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #read(tenants: readonly T[], options: FleetStatusOptions): Promise<FleetStatus> {
    const { template, recorded, serverOf: placeOf, track } = this.#parts;
    const { drift, statementTimeoutMs, signal } = checkStatusOptions(options);
    const goOn = (): void => {
      signal?.throwIfAborted();
      this.#parts.assertOpen();
    };
    const known = await new MigrationFiles(template.orm).withChecksums();
    const sessions = new TenantSessions<T>({ serverOf: placeOf, track, goOn, statementTimeoutMs });
    const readings: Reading<T>[] = [];
    for (let from = 0; from < tenants.length; from += PAGE) {
      goOn();
      const page = tenants.slice(from, from + PAGE);
      const checksums = await recorded?.(page.map(({ id }) => id));
      readings.push(...(await this.#readPage(page, { sessions, known, checksums, drift: drift !== undefined })));
    }
    const reports = readings.map(({ report }) => report);
    if (drift === undefined) {
      return summaryOf(known, reports, { recorded: recorded !== undefined, hasDrift: false });
    }
    const check = new DriftCheck<T>({ ...this.#parts, sessions, known, statementTimeoutMs, goOn });
    const drifts = await check.drifts(readings.flatMap(answered), drift);
    const withDrift = readings.map(({ tenant, report }) =>
      report.state === 'failed' ? report : { ...report, drift: drifts.get(tenant) },
    );
    return summaryOf(known, withDrift, { recorded: recorded !== undefined, hasDrift: true });
  }

  async #readPage(
    tenants: readonly T[],
    by: {
      readonly sessions: TenantSessions<T>;
      readonly known: readonly KnownMigration[];
      readonly checksums: RecordedChecksums | undefined;
      readonly drift: boolean;
    },
  ): Promise<Reading<T>[]> {
    const table = migrationsTable(this.#parts.template.orm);
    const answers = await by.sessions.each(tenants, async (session) => ({
      fingerprint: by.drift ? await fingerprintOf(session, table) : undefined,
      executed: await executedNames(session, table),
    }));
    return tenants.map((tenant) => {
      const answer = answers.get(tenant);
      const of = { tenantId: tenant.id, server: serverOf(tenant) };
      if (answer?.ok !== true) {
        return { tenant, report: { ...of, state: 'failed', error: failureOf(answer?.error) }, fingerprint: undefined };
      }
      const { executed, fingerprint } = answer.value;
      const recorded = by.checksums === undefined ? undefined : (by.checksums.get(tenant.id) ?? new Map());
      return { tenant, report: { ...of, ...versionReport(by.known, executed, recorded) }, fingerprint };
    });
  }
}

function versionReport(
  known: readonly KnownMigration[],
  executed: readonly string[],
  recorded: ReadonlyMap<string, string> | undefined,
): Omit<TenantVersionReport, 'tenantId' | 'server'> {
  const differences = compareMigrations(known, executed, recorded);
  const { pending, ahead, edited } = differences;
  const state = pending.length > 0 ? 'behind' : ahead.length > 0 ? 'ahead' : 'current';
  return {
    ...differences,
    state,
    behindBy: pending.length,
    edited: recorded === undefined ? undefined : edited,
    drift: undefined,
  };
}

function answered<T extends Tenant>({ tenant, report, fingerprint }: Reading<T>): SchemaReading<T>[] {
  return report.state === 'failed' || fingerprint === undefined ? [] : [{ tenant, report, fingerprint }];
}

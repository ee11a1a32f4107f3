import type { PostgresServer } from '../../connections/PostgresServer.ts';
import { messageOf } from '../../errors.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import { executedNames, migrationsTable, type QuerySession } from '../executedMigrations.ts';
import type { KnownMigration } from '../MigrationFiles.ts';
import { compareMigrations } from './compareMigrations.ts';
import { expectedVersion, type NotComparable } from './expectedVersion.ts';
import type { TenantDrift, TenantVersionReport } from './FleetStatus.ts';
import type { DriftReference } from './FleetStatusOptions.ts';
import { ReferenceDatabase, type ReferenceParts } from './ReferenceDatabase.ts';
import { type SchemaObject, schemaDifferences } from './schemaDifferences.ts';
import { objectsOf, type Schema, schemaOf } from './schemaOf.ts';
import type { TenantSessions } from './TenantSessions.ts';

export interface DriftCheckParts<T extends Tenant> extends ReferenceParts {
  readonly serverOf: (tenant: T) => PostgresServer;
  readonly find: (id: string) => Promise<T>;
  readonly sessions: TenantSessions<T>;
  readonly known: readonly KnownMigration[];
}

/** The schema of a tenant that answered, and at which version it is. */
export interface SchemaReading<T extends Tenant> {
  readonly tenant: T;
  readonly report: TenantVersionReport;
  readonly fingerprint: string;
}

/** Schemas to compare with, by how many migrations they come to. */
type Schemas = ReadonlyMap<number, Schema> | NotComparable;

/** How many differences of one tenant are told. */
const MOST_DIFFERENCES = 100;

const MIGRATED_MEANWHILE: TenantDrift = Object.freeze({ is: 'unknown', because: 'it was migrated meanwhile' });

/** Compares the schemas of tenants with what their migrations come to. */
export class DriftCheck<T extends Tenant> {
  readonly #parts: DriftCheckParts<T>;
  readonly #table: string;

  constructor(parts: DriftCheckParts<T>) {
    this.#parts = parts;
    this.#table = migrationsTable(parts.template.orm);
  }

  /** A result for each tenant. */
  async drifts(readings: readonly SchemaReading<T>[], reference: DriftReference): Promise<ReadonlyMap<T, TenantDrift>> {
    const schemasFor =
      reference.is === 'built' ? await this.#built(readings) : await this.#ofTenant(reference.tenantId);
    const drifts = new Map<T, TenantDrift>();
    const differing = new Map<T, { readonly version: number; readonly schema: Schema }>();
    for (const { tenant, report, fingerprint } of readings) {
      const version = expectedVersion(report, this.#parts.known.length);
      const expected = schemaAt(schemasFor(tenant), version);
      if ('because' in expected) {
        drifts.set(tenant, { is: 'unknown', because: expected.because });
      } else if (expected.schema.fingerprint === fingerprint) {
        drifts.set(tenant, { is: 'none' });
      } else {
        differing.set(tenant, expected);
      }
    }
    const answers = await this.#parts.sessions.each([...differing.keys()], async (session, tenant) => {
      const { version, schema } = differing.get(tenant) as { readonly version: number; readonly schema: Schema };
      const actual = await objectsOf(session, this.#table);
      // In this order: a migration that comes in between shows.
      return (await this.#versionOf(session)) === version ? driftOf(schema.objects, actual) : MIGRATED_MEANWHILE;
    });
    for (const [tenant, answer] of answers) {
      drifts.set(tenant, answer.ok ? answer.value : { is: 'unknown', because: messageOf(answer.error) });
    }
    return drifts;
  }

  /** A database on each server, which goes through the versions that the server's tenants have. */
  async #built(readings: readonly SchemaReading<T>[]): Promise<(tenant: T) => Schemas> {
    const { serverOf, known } = this.#parts;
    const wanted = new Map<PostgresServer, Set<number>>();
    for (const { tenant, report } of readings) {
      const version = expectedVersion(report, known.length);
      if (typeof version === 'number') {
        const server = serverOf(tenant);
        wanted.set(server, (wanted.get(server) ?? new Set()).add(version));
      }
    }
    const servers = [...wanted].map(
      async ([server, versions]) => [server, await this.#build(server, versions)] as const,
    );
    const built = new Map(await Promise.all(servers));
    this.#parts.goOn();
    return (tenant) => built.get(serverOf(tenant)) ?? new Map();
  }

  /** One server that does not let it be built has no say in what is known of the others. */
  async #build(server: PostgresServer, versions: ReadonlySet<number>): Promise<Schemas> {
    const names = this.#parts.known.map(({ name }) => name);
    try {
      return await ReferenceDatabase.schemas(this.#parts, server, names, [...versions]);
    } catch (error) {
      return { because: `the reference database could not be built: ${messageOf(error)}` };
    }
  }

  async #ofTenant(tenantId: string): Promise<(tenant: T) => Schemas> {
    const { sessions, find } = this.#parts;
    const reference = await find(tenantId);
    const answers = await sessions.each([reference], async (session): Promise<Schemas> => {
      const version = await this.#versionOf(session);
      return typeof version === 'number' ? new Map([[version, await schemaOf(session, this.#table)]]) : version;
    });
    const answer = answers.get(reference);
    const schemas = answer?.ok === true ? answer.value : { because: messageOf(answer?.error) };
    const prefixed = 'because' in schemas ? { because: `of the reference tenant: ${schemas.because}` } : schemas;
    return () => prefixed;
  }

  async #versionOf(session: QuerySession): Promise<number | NotComparable> {
    const { known } = this.#parts;
    const executed = await executedNames(session, this.#table);
    return expectedVersion(compareMigrations(known, executed, undefined), known.length);
  }
}

function schemaAt(
  schemas: Schemas,
  version: number | NotComparable,
): { readonly version: number; readonly schema: Schema } | NotComparable {
  if (typeof version !== 'number') {
    return version;
  }
  if ('because' in schemas) {
    return schemas;
  }
  const schema = schemas.get(version);
  return schema === undefined ? { because: 'the reference tenant is at another version' } : { version, schema };
}

function driftOf(expected: readonly SchemaObject[], actual: readonly SchemaObject[]): TenantDrift {
  const differences = schemaDifferences(expected, actual);
  return differences.length === 0
    ? { is: 'none' }
    : { is: 'different', objects: differences.length, differences: differences.slice(0, MOST_DIFFERENCES) };
}

import { randomBytes } from 'node:crypto';
import type { PostgresServer } from '../../connections/PostgresServer.ts';
import type { EndablePool } from '../../connections/TenantPool.ts';
import { TenancyEmitter } from '../../events.ts';
import type { OrmTemplate } from '../../orm/OrmTemplate.ts';
import { quoteIdentifier } from '../../tenant/databaseName.ts';
import { directSession } from '../directSession.ts';
import { migrationsTable } from '../executedMigrations.ts';
import { TenantMigrator } from '../TenantMigrator.ts';
import { type Schema, schemaOf } from './schemaOf.ts';
import { STATUS_SETTINGS } from './schemaSql.ts';

export interface ReferenceParts {
  readonly template: OrmTemplate;
  readonly track: (pool: EndablePool) => () => void;
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** Throws once nobody waits for the schemas any more. */
  readonly goOn: () => void;
}

/** In place of a tenant's id where events and PostgreSQL's `application_name` want one. No tenant can have it. */
const REFERENCE_ID = '(reference)';

/** A database of one server that is built by the application's migrations, to see what they come to. */
export class ReferenceDatabase {
  readonly #parts: ReferenceParts;
  readonly #server: PostgresServer;
  readonly #database = `tenancy_reference_${randomBytes(6).toString('hex')}`;

  private constructor(parts: ReferenceParts, server: PostgresServer) {
    this.#parts = parts;
    this.#server = server;
  }

  /**
   * The schema after so many of the migrations `names`, for each count in `versions`. The database is created for it,
   * and is dropped whatever happens.
   */
  static async schemas(
    parts: ReferenceParts,
    server: PostgresServer,
    names: readonly string[],
    versions: readonly number[],
  ): Promise<ReadonlyMap<number, Schema>> {
    const reference = new ReferenceDatabase(parts, server);
    try {
      await reference.#create();
      const schemas = new Map<number, Schema>();
      for (let version = 0; version <= Math.max(...versions); version += 1) {
        parts.goOn();
        if (version > 0) {
          // One at a time: one that no transaction may hold sees only what is committed.
          await reference.#migrator().up({ to: names[version - 1] as string });
        }
        if (versions.includes(version)) {
          schemas.set(version, await reference.#schema());
        }
      }
      return schemas;
    } finally {
      await reference.#administer([`drop database if exists ${quoteIdentifier(reference.#database)} with (force)`]);
    }
  }

  async #create(): Promise<void> {
    const name = quoteIdentifier(this.#database);
    // A new database lets every role of the server connect.
    await this.#administer([`create database ${name}`, `revoke connect, temporary on database ${name} from public`]);
  }

  async #schema(): Promise<Schema> {
    const { template, track, statementTimeoutMs } = this.#parts;
    const of = { server: this.#server, tenantId: REFERENCE_ID, database: this.#database, track };
    return directSession(of, async (session) => {
      await session.query(STATUS_SETTINGS, [String(statementTimeoutMs)]);
      return schemaOf(session, migrationsTable(template.orm));
    });
  }

  #migrator(): TenantMigrator {
    const { template, track, lockTimeoutMs } = this.#parts;
    const database = this.#database;
    return new TenantMigrator({
      template,
      // Nobody migrated a tenant.
      events: new TenancyEmitter(),
      target: async () => ({
        tenant: { id: REFERENCE_ID, database, server: this.#server.name },
        server: this.#server,
        owner: { tenantId: REFERENCE_ID, label: 'the reference database', refused: () => {} },
        contextName: database,
      }),
      inTurn: (work) => work(),
      track,
      lockTimeoutMs,
    });
  }

  async #administer(statements: readonly string[]): Promise<void> {
    const { track } = this.#parts;
    const database = this.#server.maintenanceDatabase;
    await directSession({ server: this.#server, tenantId: REFERENCE_ID, database, track }, async (session) => {
      for (const statement of statements) {
        await session.query(statement, []);
      }
    });
  }
}

import {
  currentTenant,
  StaticCatalog,
  type Tenant,
  TenantOrmManager,
  type TenantOrmManagerOptions,
} from 'mikro-orm-multitenancy';
import { serverUrl } from '../databases.ts';
import { entities } from './entities.ts';
import { TenantDatabases } from './TenantDatabases.ts';

export interface TenantWorldOptions {
  /** @default ['acme', 'globex'] */
  readonly ids?: readonly string[];
  /** What the databases begin with. @default the tables of `entities` and their seed */
  readonly statements?: (id: string) => readonly string[];
  readonly orm?: Partial<TenantOrmManagerOptions['orm']>;
  readonly manager?: Partial<TenantOrmManagerOptions>;
}

/** One statement that an ORM sent, and the tenant in whose context it did. */
export interface LoggedStatement {
  readonly tenantId: string | undefined;
  readonly text: string;
}

/** Some tenants with equal primary keys, their databases, and a manager over them. */
export class TenantWorld implements AsyncDisposable {
  readonly manager: TenantOrmManager;
  readonly databases: TenantDatabases;
  /** Statements since the last {@link forgetStatements}. */
  readonly statements: LoggedStatement[];

  private constructor(manager: TenantOrmManager, databases: TenantDatabases, statements: LoggedStatement[]) {
    this.manager = manager;
    this.databases = databases;
    this.statements = statements;
  }

  static async create(options: TenantWorldOptions = {}): Promise<TenantWorld> {
    const databases = await TenantDatabases.create(options.ids ?? ['acme', 'globex'], options.statements);
    const statements: LoggedStatement[] = [];
    const manager = await TenantOrmManager.init<Tenant>({
      // Clients that wait for their answer gather at the slowest tenant; a long queue is no failure of isolation.
      server: { url: serverUrl(), acquireTimeoutMs: 20_000, maxWaitingPerTenant: 200 },
      catalog: new StaticCatalog(databases.tenants),
      ...options.manager,
      orm: {
        entities,
        debug: ['query'],
        colors: false,
        logger: (text) => statements.push({ tenantId: currentTenant()?.id, text }),
        ...options.orm,
      },
    });
    return new TenantWorld(manager, databases, statements);
  }

  forgetStatements(): void {
    this.statements.length = 0;
  }

  /** The statements since {@link forgetStatements} that write. */
  get writes(): LoggedStatement[] {
    return this.statements.filter(({ text }) => /\b(insert|update|delete|truncate|create|drop|alter)\b/i.test(text));
  }

  /** Throws unless every lease is released and every connection is given back. */
  assertNothingHeld(): void {
    const { leases } = this.manager.stats();
    const held = this.#sockets(['inUse', 'waiting']);
    if (leases !== 0 || held !== 0) {
      throw new Error(`The test left ${leases} leases and ${held} connections in use or waited for.`);
    }
  }

  /** Throws when a lease, a connection or a session is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { leases } = this.manager.stats();
    await this.manager.close();
    const sockets = this.#sockets(['opening', 'idle', 'inUse', 'closing', 'waiting']);
    const sessions = await this.databases.sessions();
    await this.databases[Symbol.asyncDispose]();
    if (leases !== 0 || sockets !== 0 || sessions !== 0) {
      throw new Error(`The tests left ${leases} leases, ${sockets} sockets and ${sessions} sessions.`);
    }
  }

  #sockets(kinds: readonly ('opening' | 'idle' | 'inUse' | 'closing' | 'waiting')[]): number {
    const budgets = Object.values(this.manager.stats().servers).flatMap(({ requests, reserved }) => [
      requests,
      reserved,
    ]);
    return budgets.flatMap((budget) => kinds.map((kind) => budget[kind])).reduce((sum, count) => sum + count, 0);
  }
}

import type { AbstractSqlDriver, SqlEntityManager } from '@mikro-orm/postgresql';
import {
  currentTenant,
  type OtherDatabases,
  type OtherManagerOptions,
  type Tenant,
  type TenantCatalog,
  TenantOrmManager,
  type TenantStatus,
} from 'mikro-orm-multitenancy';
import { entities } from '../isolation/entities.ts';
import type { NestingWorld } from '../isolation/nestingCases.ts';

export type KindManager = TenantOrmManager<Tenant, SqlEntityManager>;

export interface KindOptions<D extends AbstractSqlDriver> {
  /** @default ['acme', 'globex'] */
  readonly ids?: readonly string[];
  readonly orm?: Partial<OtherManagerOptions<Tenant, D>['orm']>;
  readonly manager?: Partial<OtherManagerOptions<Tenant, D>>;
  /** Whether the databases have the tables of the entities, and rows. @default true */
  readonly isFilled?: boolean;
}

/** As the catalogue has it, and tests change it. */
type ChangingTenant = { -readonly [Column in keyof Tenant]: Tenant[Column] };

export interface KindParts {
  readonly manager: KindManager;
  readonly tenants: readonly ChangingTenant[];
  readonly statements: { readonly tenantId: string | undefined; readonly text: string }[];
}

/** Some tenants with equal primary keys and databases of another kind than PostgreSQL's, and a manager over them. */
export abstract class KindWorld implements NestingWorld {
  readonly manager: KindManager;
  readonly tenants: readonly ChangingTenant[];
  /** Statements that the ORMs sent, and the tenant in whose context they did. */
  readonly statements: KindParts['statements'];

  protected constructor({ manager, tenants, statements }: KindParts) {
    this.manager = manager;
    this.tenants = tenants;
    this.statements = statements;
  }

  /** What `kinds/migrateProgram.ts` is told of where the databases are: the kind, and the folder or server. */
  abstract get place(): readonly [kind: string, where: string];
  /** Another manager over the same databases, which the caller closes. */
  abstract another(options: { readonly orm: { readonly migrations: object } }): Promise<KindManager>;
  abstract reset(): Promise<void>;
  /** Runs a statement in a tenant's database, around the library. */
  abstract rows<R>(id: string, sql: string): Promise<R[]>;
  /** How many rows a table has, read around the library. */
  abstract count(id: string, table: string): number | Promise<number>;
  /** Which tenant's database an EntityManager reaches, by what the database says. */
  abstract reached(em: object): Promise<string>;
  abstract assertNothingHeld(): void | Promise<void>;
  abstract [Symbol.asyncDispose](): Promise<void>;

  async people(): Promise<Record<string, number>> {
    const counts = this.tenants.map(async ({ id }) => [id, await this.count(id, 'person')] as const);
    return Object.fromEntries(await Promise.all(counts));
  }

  databaseOf(id: string): string {
    return this.tenants.find((tenant) => tenant.id === id)?.database ?? '';
  }

  /** As somebody changes it in the catalogue. */
  setStatus(id: string, status: TenantStatus): void {
    for (const tenant of this.tenants) {
      if (tenant.id === id) {
        tenant.status = status;
      }
    }
  }

  /** Connections of the manager that somebody has, or waits for. */
  protected get held(): number {
    const { requests, reserved } = this.manager.stats().servers['default'] as ReturnType<
      KindManager['stats']
    >['servers'][string];
    return requests.inUse + requests.waiting + reserved.inUse + reserved.waiting;
  }
}

/** A manager over the databases of these tenants, which writes down what its ORMs send. */
export async function openKind<D extends AbstractSqlDriver>(
  databases: OtherDatabases<D>,
  tenants: readonly Tenant[],
  { orm, manager }: Pick<KindOptions<D>, 'orm' | 'manager'>,
): Promise<KindParts> {
  const statements: { tenantId: string | undefined; text: string }[] = [];
  const options = {
    databases,
    catalog: catalogOver(tenants),
    ...manager,
    orm: {
      entities,
      debug: ['query'],
      colors: false,
      logger: (text: string) => statements.push({ tenantId: currentTenant()?.id, text }),
      ...orm,
    },
  } as unknown as OtherManagerOptions<Tenant, AbstractSqlDriver>;
  return { manager: await TenantOrmManager.init(options), tenants, statements };
}

/** Gives each tenant as it is at the moment. */
export function catalogOver(tenants: readonly Tenant[]): TenantCatalog {
  return {
    find: async (id) => tenants.find((tenant) => tenant.id === id),
    findByDomain: async (domain) => tenants.find(({ domains }) => domains?.includes(domain)),
    list: async () => ({ tenants, next: undefined }),
  };
}

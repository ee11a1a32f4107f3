import type { ServerResponse } from 'node:http';
import { EntityManager, type EntityName } from '@mikro-orm/core';
import { EntityManager as PostgreSqlEntityManager } from '@mikro-orm/postgresql';
import {
  type DynamicModule,
  Inject,
  Module,
  type NestModule,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { NodeExchange, type NodeRequest } from '../http/NodeExchange.ts';
import { type Next, Passages } from '../http/Passages.ts';
import { TenantOrmManager } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { getRepositoryToken, type RepositoryEntity } from './repositories.ts';
import { TenancyErrorsFilter } from './TenancyErrorsFilter.ts';
import type { TenancyModuleAsyncOptions, TenancyModuleOptions } from './TenancyModuleOptions.ts';

const OPTIONS = Symbol('TenancyModuleOptions');

const em = (manager: TenantOrmManager): EntityManager => manager.em;

/** What the module gives to every other: singletons, which follow the tenant of whoever uses them. */
const PROVIDERS: readonly Provider[] = [
  { provide: TenantOrmManager, useFactory: ({ manager }: TenancyModuleOptions) => manager, inject: [OPTIONS] },
  { provide: EntityManager, useFactory: em, inject: [TenantOrmManager] },
  { provide: PostgreSqlEntityManager, useFactory: em, inject: [TenantOrmManager] },
];

/**
 * Finds the tenant of each request, asks `authorize`, and runs guards, interceptors, pipes and handlers in the tenant's
 * context, until the response has been sent or its client is gone. `EntityManager`, `TenantOrmManager` and repositories
 * are injected everywhere. Errors of the tenancy are answered with 400, 403, 404 or 503.
 */
export class TenancyModule implements NestModule, OnApplicationShutdown {
  readonly #options: TenancyModuleOptions;
  readonly #adapter: HttpAdapterHost;

  constructor(options: TenancyModuleOptions, adapter: HttpAdapterHost) {
    this.#options = options;
    this.#adapter = adapter;
  }

  static forRoot<T extends Tenant, R extends NodeRequest = NodeRequest>(
    options: TenancyModuleOptions<T, R>,
  ): DynamicModule {
    return TenancyModule.forRootAsync({ useFactory: () => options });
  }

  /** The same with options that are made of other providers, as of a configuration. */
  static forRootAsync<T extends Tenant, R extends NodeRequest = NodeRequest>({
    imports = [],
    inject = [],
    useFactory,
  }: TenancyModuleAsyncOptions<T, R>): DynamicModule {
    return {
      module: TenancyModule,
      global: true,
      imports,
      providers: [
        { provide: OPTIONS, useFactory: useFactory as (...dependencies: unknown[]) => unknown, inject: [...inject] },
        {
          provide: APP_FILTER,
          useFactory: ({ httpAdapter }: HttpAdapterHost) => new TenancyErrorsFilter(httpAdapter),
          inject: [HttpAdapterHost],
        },
        ...PROVIDERS,
      ],
      exports: [TenantOrmManager, EntityManager, PostgreSqlEntityManager],
    };
  }

  /** Provides the repositories of entities to the module that imports this, for `@InjectRepository`. */
  static forFeature(entities: readonly RepositoryEntity[]): DynamicModule {
    const providers = entities.map((entity) => ({
      provide: getRepositoryToken(entity),
      useFactory: (manager: TenantOrmManager) => manager.em.getRepository(entity as EntityName<object>),
      inject: [TenantOrmManager],
    }));
    return { module: TenancyRepositories, providers, exports: providers.map(({ provide }) => provide) };
  }

  configure(): void {
    const { manager, ...options } = this.#options;
    const passages = new Passages(manager, options);
    // On the platform itself: a middleware of Nest's own for all routes is shown none of their paths.
    this.#adapter.httpAdapter.use((req: NodeRequest, res: ServerResponse, next: Next) =>
      passages.pass(new NodeExchange(req, res, options), next),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    const { manager, closesManager = true } = this.#options;
    if (closesManager) {
      await manager.close();
    }
  }
}

/** The module of repositories, one for each `forFeature`. */
class TenancyRepositories {}

// As calls: source files are run without a compiler, which decorators need.
Inject(OPTIONS)(TenancyModule, undefined, 0);
Inject(HttpAdapterHost)(TenancyModule, undefined, 1);
Module({})(TenancyModule);
Module({})(TenancyRepositories);

import type { EntityManager } from '@mikro-orm/core';
import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency } from '@nestjs/common';
import type { HttpTenantRequest } from '../http/HttpTenantRequest.ts';
import type { FailureOptions, NodeRequest } from '../http/NodeExchange.ts';
import type { HttpTenancyOptions, TenancyManager } from '../http/TenancyOptions.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** A request as resolvers see it; the platform's own is its `ctx`. */
export type NestTenantRequest<R extends NodeRequest = NodeRequest> = HttpTenantRequest<R>;

/** What the module needs of a `TenantOrmManager`. */
export interface NestTenancyManager<T extends Tenant = Tenant> extends TenancyManager<T> {
  /** The EntityManager of whichever tenant it is. */
  readonly em: EntityManager;
  close(): Promise<unknown>;
}

/** `R` is the request as the platform's middleware has it: Express', or Node's own on Fastify. */
export interface TenancyModuleOptions<T extends Tenant = Tenant, R extends NodeRequest = NodeRequest>
  extends HttpTenancyOptions<R, T>,
    FailureOptions<R> {
  readonly manager: NestTenancyManager<T>;
  /** Whether the manager is closed when the application shuts down. @default true */
  readonly closesManager?: boolean | undefined;
}

/** Options of `TenancyModule.forRootAsync`: what {@link TenancyModuleOptions} has, made by a factory with what is injected. */
export interface TenancyModuleAsyncOptions<T extends Tenant = Tenant, R extends NodeRequest = NodeRequest> {
  /** What `useFactory` is given. */
  readonly inject?: readonly (InjectionToken | OptionalFactoryDependency)[] | undefined;
  readonly imports?: NonNullable<ModuleMetadata['imports']> | undefined;
  readonly useFactory: (...dependencies: never[]) => TenancyModuleOptions<T, R> | Promise<TenancyModuleOptions<T, R>>;
}

import type { Collection, Opt, Reference, ScalarReference } from '@mikro-orm/core';
import type { Tenant, TenantStatus } from '../tenant/Tenant.ts';
import type { TenantEntity } from './TenantEntity.ts';

/** One domain of a tenant, as the catalogue has it. */
export interface TenantDomainDetails {
  readonly domain: string;
  readonly isPrimary: boolean;
  /** `undefined` until somebody has shown that the domain is theirs; it leads to no tenant before. */
  readonly verifiedAt: Date | undefined;
}

/** A tenant of the central database: a frozen object, no entity. `M` is the application's metadata. */
export interface CatalogTenant<M = Record<string, unknown>> extends Tenant {
  readonly server: string;
  readonly status: TenantStatus;
  /** The verified domains, the primary one first. */
  readonly domains: readonly string[];
  /** Every domain, those that are not verified among them. */
  readonly domainDetails: readonly TenantDomainDetails[];
  readonly metadata: Readonly<M>;
  /** Grows by one with each change of the tenant; see `TenantStore`. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A class or an `EntitySchema` over {@link TenantEntity}. */
export type TenantEntityType<E extends TenantEntity = TenantEntity> = (new () => E) | { readonly '~entity': E };

type RowOf<C> = C extends new () => infer E ? E : C extends { readonly '~entity': infer E } ? E : never;

/** Relations, collections and methods of the entity are no columns of the tenant. */
type NoColumn =
  | { readonly owner: object; getItems(...args: never[]): unknown }
  | Collection<never>
  | Reference<never>
  | ((...args: never[]) => unknown);

type ColumnOf<V> = V extends ScalarReference<infer S> ? S : V extends infer Plain & Opt.Brand ? Plain : V;

type OwnColumn<E> = keyof {
  [K in keyof E as K extends string
    ? K extends keyof TenantEntity | keyof CatalogTenant
      ? never
      : NonNullable<E[K]> extends NoColumn
        ? never
        : K
    : never]: never;
};

type MetadataOf<E> = E extends { readonly metadata: infer M } ? Metadata<ColumnOf<M>> : AnyMetadata;

type Metadata<M> = object extends M ? AnyMetadata : M;

type AnyMetadata = Record<string, unknown>;

/** In types only: the row that a tenant stands for. */
declare const ROW: unique symbol;

/** The tenants that a class or schema stands for: those of the library with the application's own columns. */
export type TenantOf<C> = CatalogTenant<MetadataOf<RowOf<C>>> & {
  readonly [K in OwnColumn<RowOf<C>> & keyof RowOf<C>]: ColumnOf<RowOf<C>[K]>;
} & { readonly [ROW]?: RowOf<C> };

type Row<T> = T extends { readonly [ROW]?: infer E } ? NonNullable<E> : object;

type IsOptional<V> = undefined extends V
  ? true
  : null extends V
    ? true
    : typeof Opt.__optional extends keyof V
      ? true
      : false;

/** The application's own columns of a new tenant. Those that have a default or may be empty can be left out. */
export type NewColumns<T> = {
  readonly [K in OwnColumn<Row<T>> & keyof Row<T> as IsOptional<Row<T>[K]> extends true ? never : K]: ColumnOf<
    Row<T>[K]
  >;
} & {
  readonly [K in OwnColumn<Row<T>> & keyof Row<T>]?: ColumnOf<Row<T>[K]> | undefined;
};

/** The application's own columns, to be changed. */
export type ChangedColumns<T> = { readonly [K in OwnColumn<Row<T>> & keyof Row<T>]?: ColumnOf<Row<T>[K]> | undefined };

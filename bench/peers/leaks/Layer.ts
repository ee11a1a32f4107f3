import type { World } from './World.ts';

export interface AppOptions {
  /** The PostgreSQL server, without a database. */
  readonly url: string;
  /** By tenant. */
  readonly databases: Readonly<Record<string, string>>;
}

/** An application of a few tenants, whose code finds the current one in its context, as the users of its ORM write it. */
export interface App {
  /** What its middleware does around a request of a tenant. */
  run<R>(tenant: string, work: () => Promise<R>): Promise<R>;
  /** Inserts a person for the tenant of the context. */
  add(name: string): Promise<unknown>;
  /** Those of the tenant of the context. */
  names(): Promise<string[]>;
  /** Inserts a person by this tenant's own handle, whatever the context says. */
  addBy(tenant: string, name: string): Promise<unknown>;
  /** A transaction by this tenant's own handle. */
  transaction(tenant: string, work: (add: (name: string) => Promise<unknown>) => Promise<void>): Promise<void>;
  /** What a cache of handles does with one that it lets go. */
  closeTenant(tenant: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** What leaked, in words; `undefined` where nothing did. */
export type Leak = string | undefined;
export type Attempt = (world: World) => Promise<Leak>;

/** Scenarios of features that not every layer has. One that is left out has no meaning for it. */
export interface Specials {
  readonly foreignSave?: Attempt;
  readonly foreignRelation?: Attempt;
  readonly lazyRelation?: Attempt;
  readonly sharedClasses?: Attempt;
  readonly boundClass?: Attempt;
  readonly corruptRow?: Attempt;
  readonly resultCache?: Attempt;
  readonly subscribers?: Attempt;
}

export interface Layer {
  open(options: AppOptions): App | Promise<App>;
  readonly specials: Specials;
}

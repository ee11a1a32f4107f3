import type { EntityComparator, MetadataStorage } from '@mikro-orm/core';
import { MikroORM, type Options } from '@mikro-orm/postgresql';
import { TenancyConfigurationError } from '../errors.ts';

/** A real MikroORM over metadata that was discovered before, by the template: it discovers and decorates nothing. */
export class TenantMikroORM extends MikroORM {
  readonly #shared: MetadataStorage;

  /** `Comparator` stands in for the template's. */
  constructor(shared: MetadataStorage, Comparator: new () => EntityComparator, options: Options) {
    super(options);
    this.#shared = shared;
    // MikroORM keeps services by the names of their classes, and asks for this one with its first EntityManager.
    this.config.getCachedService(Comparator);
    this.driver.setMetadata(shared);
    this.em = Object.assign(this.driver.createEntityManager(), { global: true }) as MikroORM['em'];
  }

  override getMetadata: MikroORM['getMetadata'] = ((entity?: Parameters<MetadataStorage['get']>[0]) =>
    entity === undefined ? this.#shared : this.#shared.get(entity)) as MikroORM['getMetadata'];

  /** Refuses: the metadata belongs to every tenant. */
  override discoverEntity(): never {
    throw new TenancyConfigurationError(
      'discoverEntity() would change the metadata of every tenant. Name all entities in `orm.entities`.',
    );
  }
}

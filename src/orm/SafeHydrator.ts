import { type EntityData, type EntityFactory, type EntityMetadata, ObjectHydrator, Utils } from '@mikro-orm/core';

/**
 * Whether an entity is being hydrated now. Relation setters of every ORM over the same entity classes ask for it, and
 * hydration is synchronous, so one flag for the process is the truth.
 */
let hydrating = false;

/**
 * MikroORM's hydrator around its own compiled functions, whose flag survives an exception. The stock one sets it without `finally`: a custom type that
 * throws for one corrupt row leaves it on, and from then on changed relations are not written any more.
 */
export class SafeHydrator extends ObjectHydrator {
  override isRunning(): boolean {
    return hydrating;
  }

  override hydrate<T extends object>(
    entity: T,
    meta: EntityMetadata<T>,
    data: EntityData<T>,
    factory: EntityFactory,
    type: 'full' | 'reference',
    newEntity = false,
    convertCustomTypes = false,
    schema?: string,
    parentSchema?: string,
    normalizeAccessors?: boolean,
  ): void {
    const hydrateEntity = this.getEntityHydrator(meta, type, normalizeAccessors);
    const before = hydrating;
    // What a new entity propagates is to be written by the next flush.
    hydrating = !newEntity;
    try {
      Utils.callCompiledFunction(
        hydrateEntity,
        entity,
        data,
        factory,
        newEntity,
        convertCustomTypes,
        schema,
        parentSchema,
        normalizeAccessors,
      );
    } finally {
      hydrating = before;
    }
  }

  override hydrateReference<T extends object>(
    entity: T,
    meta: EntityMetadata<T>,
    data: EntityData<T>,
    factory: EntityFactory,
    convertCustomTypes = false,
    schema?: string,
    parentSchema?: string,
    normalizeAccessors?: boolean,
  ): void {
    const hydrateKey = this.getEntityHydrator(meta, 'reference', normalizeAccessors);
    const before = hydrating;
    hydrating = true;
    try {
      Utils.callCompiledFunction(
        hydrateKey,
        entity,
        data,
        factory,
        false,
        convertCustomTypes,
        schema,
        parentSchema,
        normalizeAccessors,
      );
    } finally {
      hydrating = before;
    }
  }
}

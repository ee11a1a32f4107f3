import { type EntityData, type EntityFactory, type EntityMetadata, ObjectHydrator } from '@mikro-orm/core';

/**
 * Whether an entity is being hydrated now. Relation setters of every ORM over the same entity classes ask for it, and
 * hydration is synchronous, so one flag for the process is the truth.
 */
let hydrating = false;

/**
 * MikroORM's hydrator, whose flag survives an exception. The stock one sets it without `finally`: a custom type that
 * throws for one corrupt row leaves it on, and from then on changed relations are not written any more.
 */
export class SafeHydrator extends ObjectHydrator {
  constructor(...args: ConstructorParameters<typeof ObjectHydrator>) {
    super(...args);
    // The base class defines `running` on the instance, where an accessor of this class would not be reached.
    Object.defineProperty(this, 'running', {
      get: () => hydrating,
      set: (value: boolean) => {
        hydrating = value;
      },
    });
  }

  override hydrate<T extends object>(
    entity: T,
    meta: EntityMetadata<T>,
    data: EntityData<T>,
    factory: EntityFactory,
    type: 'full' | 'reference',
    newEntity?: boolean,
    convertCustomTypes?: boolean,
    schema?: string,
    parentSchema?: string,
    normalizeAccessors?: boolean,
  ): void {
    const before = hydrating;
    try {
      super.hydrate(
        entity,
        meta,
        data,
        factory,
        type,
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
    convertCustomTypes?: boolean,
    schema?: string,
    parentSchema?: string,
    normalizeAccessors?: boolean,
  ): void {
    const before = hydrating;
    try {
      super.hydrateReference(entity, meta, data, factory, convertCustomTypes, schema, parentSchema, normalizeAccessors);
    } finally {
      hydrating = before;
    }
  }
}

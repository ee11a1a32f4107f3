import {
  type AnyEntity,
  Cascade,
  type ChangeSet,
  type EntityClass,
  type EntityManager,
  type EntityMetadata,
  type EntityProperty,
  EntitySchema,
  type EventType,
  helper,
  type MetadataStorage,
  Reference,
  UnitOfWork,
  Utils,
} from '@mikro-orm/core';
import { WrongTenantError } from '../errors.ts';

/** Whose an entity is: one tenant's database in one manager. Compared by identity. */
export interface EntityOwner {
  readonly tenantId: string;
  /** How messages call it: `tenant "acme"`. */
  readonly label: string;
  /** Hears of every refusal before it is thrown. */
  readonly refused: (entity: string, owner: EntityOwner) => void;
}

/** A driver whose EntityManagers belong to one tenant. */
export interface OwnedDriver {
  readonly owner: EntityOwner | undefined;
  getMetadata(): MetadataStorage;
}

const OWNER = Symbol('mikro-orm-multitenancy.owner');
const DRIVER = Symbol('mikro-orm-multitenancy.driver');

type Entity = AnyEntity;
type Owned = ReturnType<typeof helper> & { [OWNER]?: EntityOwner };
type Guarded = UnitOfWork & { [DRIVER]: OwnedDriver };
type RunHooks = (this: Guarded, type: EventType, changeSet: ChangeSet<Entity>, sync?: boolean) => Promise<void>;
type RegisterParameters = Parameters<UnitOfWork['register']>;
type GuardBase = Omit<UnitOfWork, 'runHooks'> & { readonly runHooks: RunHooks };

/**
 * The unit of work's own ways in and out, with a look at the owner first. MikroORM calls them for every entity that
 * is loaded, referenced, persisted, merged, removed or reached by a cascade.
 */
function guardsOver(base: GuardBase) {
  return {
    // MikroORM registers each row that it reads: parameters by name, since a rest parameter costs an array.
    register(
      this: Guarded,
      entity: RegisterParameters[0],
      data: RegisterParameters[1],
      options: RegisterParameters[2],
    ) {
      claim(this, entity);
      return base.register.call(this, entity, data, options);
    },
    merge(this: Guarded, ...args: Parameters<UnitOfWork['merge']>) {
      assertKnown(this[DRIVER], args[0]);
      claim(this, args[0]);
      return base.merge.apply(this, args);
    },
    persist(this: Guarded, ...args: Parameters<UnitOfWork['persist']>) {
      assertKnown(this[DRIVER], args[0]);
      claim(this, args[0]);
      return base.persist.apply(this, args);
    },
    remove(this: Guarded, ...args: Parameters<UnitOfWork['remove']>) {
      claim(this, args[0]);
      return base.remove.apply(this, args);
    },
    scheduleOrphanRemoval(this: Guarded, ...args: Parameters<UnitOfWork['scheduleOrphanRemoval']>) {
      if (args[0] !== undefined && args[0] !== null) {
        claim(this, args[0]);
      }
      return base.scheduleOrphanRemoval.apply(this, args);
    },
    /** Runs in each flush before the first statement: relations without a cascade are seen here. */
    computeChangeSets(this: Guarded) {
      base.computeChangeSets.call(this);
      // A foreign entity with the key of the own one that it replaces changes no column, and makes no change set.
      for (const entity of this.getIdentityMap()) {
        checkRelations(this, entity as Entity, uncascaded(helper(entity as Entity).__meta));
      }
      for (const { entity } of this.getChangeSets()) {
        checkRelations(this, entity as Entity);
      }
      for (const collection of this.getCollectionUpdates()) {
        for (const item of collection.getItems(false)) {
          assertOwner(this[DRIVER].owner, item as Entity);
        }
      }
    },
    /** A hook may have set a relation after the change sets were computed; the transaction is still open then. */
    async runHooks(this: Guarded, type: EventType, changeSet: ChangeSet<Entity>, sync?: boolean) {
      await base.runHooks.call(this, type, changeSet, sync);
      checkRelations(this, changeSet.entity);
    },
  };
}

const guards = Object.freeze(guardsOver(UnitOfWork.prototype as unknown as GuardBase));

/** Makes `em`'s unit of work refuse entities of any owner but its driver's. Called once for each fork. */
export function guardUnitOfWork(em: EntityManager, driver: OwnedDriver): void {
  Object.assign(em.getUnitOfWork(false), guards, { [DRIVER]: driver });
}

/** Throws {@link WrongTenantError} when an entity of another owner is anywhere in plain data, arrays or references. */
export function assertOwnData(owner: EntityOwner | undefined, value: unknown): void {
  if (typeof value !== 'object' || value === null) {
    return;
  }
  if (Array.isArray(value)) {
    for (const item of value) {
      assertOwnData(owner, item);
    }
  } else if (Utils.isPlainObject(value)) {
    for (const item of Object.values(value)) {
      assertOwnData(owner, item);
    }
  } else if (Utils.isEntity(value, true)) {
    assertOwner(owner, Reference.unwrapReference(value as object) as Entity);
  }
}

const uncascadedOf = new WeakMap<EntityMetadata, readonly EntityProperty[]>();

/** Relations that no flush follows from an entity that it has not changed. */
function uncascaded(meta: EntityMetadata): readonly EntityProperty[] {
  let properties = uncascadedOf.get(meta);
  if (properties === undefined) {
    properties = meta.relations.filter((property) => {
      // MikroORM's type says that it is always there.
      const cascade: readonly Cascade[] | undefined = property.cascade;
      return !cascade?.some((kind) => kind === Cascade.PERSIST || kind === Cascade.ALL);
    });
    uncascadedOf.set(meta, properties);
  }
  return properties;
}

function checkRelations(
  unitOfWork: Guarded,
  entity: Entity,
  properties: readonly EntityProperty[] = helper(entity).__meta.relations,
): void {
  const { owner } = unitOfWork[DRIVER];
  for (const related of relatedTo(entity, properties)) {
    assertOwner(owner, related);
  }
}

function relatedTo(entity: Entity, properties: readonly EntityProperty[]): readonly Entity[] {
  const meta = helper(entity).__meta;
  const found: Entity[] = [];
  for (const property of properties) {
    for (const [target] of Utils.unwrapProperty(entity, meta, property)) {
      const related: unknown = Reference.unwrapReference(target as object);
      if (Utils.isCollection(related)) {
        found.push(...(related.getItems(false) as Entity[]));
      } else if (Utils.isEntity(related)) {
        found.push(related as Entity);
      }
    }
  }
  return found;
}

/** Gives `entity` and what it refers to to `owner`, as far as nobody owns it: for those that MikroORM never registers. */
export function claimGraph(owner: EntityOwner | undefined, entity: unknown): void {
  if (owner === undefined || !Utils.isEntity(entity)) {
    return;
  }
  const wrapped = helper(entity as Entity) as Owned;
  if (wrapped[OWNER] === undefined) {
    wrapped[OWNER] = owner;
    for (const related of relatedTo(entity as Entity, wrapped.__meta.relations)) {
      claimGraph(owner, related);
    }
  }
}

/** The first EntityManager that an entity meets owns it, from then on. */
function claim(unitOfWork: Guarded, entity: object): void {
  const { owner } = unitOfWork[DRIVER];
  const wrapped = helper(entity as Entity) as Owned;
  if (wrapped[OWNER] === undefined && owner !== undefined) {
    wrapped[OWNER] = owner;
  } else if (wrapped[OWNER] !== owner) {
    refuse(owner, entity as Entity, wrapped[OWNER]);
  }
}

/** A new entity has no owner yet, but its class belongs to the tenants or to the central database. */
function assertKnown(driver: OwnedDriver, entity: object): void {
  const wrapped = helper(entity as Entity) as Owned;
  const { class: Class, className } = wrapped.__meta;
  if (wrapped[OWNER] === undefined && driver.owner !== undefined && !driver.getMetadata().getAll().has(Class)) {
    throw notKnown(driver.owner, className);
  }
}

/**
 * Throws {@link WrongTenantError} for a class or schema that another ORM has discovered and this one has not. MikroORM
 * would take the entity that has the same name here, or the schema as it is, and ask the wrong database.
 */
export function assertKnownEntity(driver: OwnedDriver, entity: unknown): void {
  const Class = EntitySchema.is(entity) ? entity.meta.class : entity;
  if (typeof Class !== 'function' || driver.owner === undefined) {
    return;
  }
  const known = driver.getMetadata().getAll();
  if (!known.has(Class as EntityClass) && Object.hasOwn(Class.prototype ?? {}, '__meta')) {
    throw notKnown(driver.owner, Class.name);
  }
}

function notKnown(owner: EntityOwner, className: string): WrongTenantError {
  return new WrongTenantError(className, 'another MikroORM', owner.label, owner.tenantId);
}

function assertOwner(owner: EntityOwner | undefined, entity: Entity): void {
  const actual = (helper(entity) as Owned)[OWNER];
  if (actual !== undefined && actual !== owner) {
    refuse(owner, entity, actual);
  }
}

function refuse(owner: EntityOwner | undefined, entity: Entity, actual: EntityOwner | undefined): never {
  const name = helper(entity).__meta.className;
  if (owner !== undefined && actual !== undefined) {
    owner.refused(name, actual);
  }
  throw new WrongTenantError(name, actual?.label ?? 'no tenant', owner?.label ?? 'no tenant', owner?.tenantId);
}

import { type EntityManager, type EntityMetadata, helper } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { Tenant } from '../tenant/Tenant.ts';
import type { OpenOrmOptions } from './OrmTemplate.ts';

/** A primary key of any type that needs no conversion; references are made, never loaded. */
const PROBE_KEY = 1;

type Pair = readonly [MikroORM, MikroORM];

/** What two ORMs for the tests below are opened with. They connect to nothing, and leave nothing behind. */
export const PROBES: readonly [OpenOrmOptions, OpenOrmOptions] = [probe('a'), probe('b')];

/** Throws an Error when two tenants' ORMs are not apart. Holds for every way to open them, or there is no isolation. */
export function expectApart([a, b]: Pair): void {
  expectThat(a.em.name !== b.em.name, 'two ORMs have the same context name');
  expectThat(a.config.get('dbName') !== b.config.get('dbName'), 'two ORMs have the same database');
  for (const orm of [a, b]) {
    expectThat(orm.em.getDriver() === orm.driver && orm.em.fork().getDriver() === orm.driver, 'a fork left its driver');
  }
}

/**
 * Throws an Error when two ORMs that `open` makes do not share what the template has, or are not apart because they
 * share it.
 */
export function expectShared(template: MikroORM, open: (options: OpenOrmOptions) => MikroORM): void {
  const metadata = [...template.getMetadata()];
  // Another manager over the same entities may have decorated their classes since the template did.
  const decorations = metadata.map(decorationOf);
  const [a, b] = [open(PROBES[0]), open(PROBES[1])];
  expectApart([a, b]);
  expectThat(a.em.getComparator() === template.em.getComparator(), 'the comparator is not shared');
  const hydrator = template.config.getHydrator(template.getMetadata());
  for (const orm of [a, b]) {
    expectThat(orm.config.getHydrator(orm.getMetadata()) === hydrator, 'the hydrator is not shared');
  }
  for (const [index, meta] of metadata.entries()) {
    expectThat(a.getMetadata(meta.class) === meta, `the metadata of ${meta.className} is not shared`);
    expectThat(decorationOf(meta) === decorations[index], `opening an ORM changed the class of ${meta.className}`);
    expectIdentities(meta, a.em.fork(), b.em.fork());
  }
}

/** Two references with equal keys live in two identity maps, and nothing would be written for them. */
function expectIdentities(meta: EntityMetadata, a: EntityManager, b: EntityManager): void {
  if (meta.abstract || meta.virtual || meta.embeddable || !meta.simplePK || meta.getPrimaryProp().customType) {
    return;
  }
  const [ofA, ofB] = [a, b].map((em) => em.getReference(meta.class, PROBE_KEY as never)) as [object, object];
  expectThat(ofA !== ofB && helper(ofA).__em === a && helper(ofB).__em === b, `${meta.className} crossed two ORMs`);
  for (const em of [a, b]) {
    const unitOfWork = em.getUnitOfWork(false);
    unitOfWork.computeChangeSets();
    expectThat(unitOfWork.getChangeSets().length === 0, `an unchanged ${meta.className} would be written`);
  }
}

/** What MikroORM put on the prototype of an entity's class. */
function decorationOf(meta: EntityMetadata): unknown {
  return (meta.prototype as { readonly __meta?: unknown } | undefined)?.__meta;
}

function probe(id: string): OpenOrmOptions {
  const tenant: Tenant = { id: `probe-${id}`, database: `probe_${id}` };
  return {
    tenant,
    contextName: `probe:${id}`,
    owner: { tenantId: tenant.id, label: id, refused: () => {} },
    pool: {
      options: {},
      assertOpen: () => {},
      connect: () => Promise.reject(new Error('The self-test connects to nothing.')),
      end: () => Promise.resolve(),
    },
  };
}

function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) {
    throw new Error(otherwise);
  }
}

import { type EntityManager, type EntityMetadata, helper } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { Tenant } from '../tenant/Tenant.ts';
import type { OpenOrmOptions } from './OrmTemplate.ts';

/** A primary key of any type that needs no conversion; references are made, never loaded. */
const PROBE_KEY = 1;

/**
 * Opens two ORMs over the template's metadata and looks whether they are apart where they must be, and share what
 * they must. Throws an Error that says what is wrong. Connects to nothing; leaves nothing behind.
 */
export function selfTest(template: MikroORM, open: (options: OpenOrmOptions) => MikroORM): void {
  let reached = 0;
  const [a, b] = (['a', 'b'] as const).map((id) => open(probe(id, () => (reached += 1)))) as [MikroORM, MikroORM];
  expectThat(a.em.name !== b.em.name, 'two ORMs have the same context name');
  expectThat(a.config.get('dbName') !== b.config.get('dbName'), 'two ORMs have the same database');
  a.em.getConnection().getClient();
  expectThat(reached === 1, 'the driver does not take its connections from `driverOptions`');
  expectThat(a.em.getComparator() === template.em.getComparator(), 'the comparator is not shared');
  const hydrator = template.config.getHydrator(template.getMetadata());
  for (const orm of [a, b]) {
    expectThat(orm.config.getHydrator(orm.getMetadata()) === hydrator, 'the hydrator is not shared');
    expectThat(orm.em.getDriver() === orm.driver && orm.em.fork().getDriver() === orm.driver, 'a fork left its driver');
  }
  for (const meta of template.getMetadata()) {
    expectThat(a.getMetadata(meta.class) === meta, `the metadata of ${meta.className} is not shared`);
    expectThat(prototypeOf(meta) === meta, `opening an ORM changed the class of ${meta.className}`);
    testIdentity(meta, a.em.fork(), b.em.fork());
  }
}

/** Two references with equal keys live in two identity maps, and nothing would be written for them. */
function testIdentity(meta: EntityMetadata, a: EntityManager, b: EntityManager): void {
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

function prototypeOf(meta: EntityMetadata): unknown {
  return (meta.prototype as { readonly __meta?: unknown } | undefined)?.__meta ?? meta;
}

function probe(id: string, reached: () => void): OpenOrmOptions {
  const tenant: Tenant = { id: `probe-${id}`, database: `probe_${id}` };
  return {
    tenant,
    contextName: `probe:${id}`,
    owner: { tenantId: tenant.id, label: id, refused: () => {} },
    pool: {
      options: {},
      assertOpen: reached,
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

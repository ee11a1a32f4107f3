import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defineEntity, ObjectHydrator, p, Type } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { SafeHydrator } from '../../../src/orm/SafeHydrator.ts';

/** What the custom type of the entity does while it is hydrated. */
let duringHydration: () => void;

class ProbeType extends Type<string, string> {
  override convertToJSValue(value: string): string {
    duringHydration();
    return value;
  }

  override ensureComparable(): boolean {
    return false;
  }
}

const Row = defineEntity({
  name: 'Row',
  properties: { id: p.integer().primary(), value: p.type(ProbeType) },
});

/** An ORM that never connects. */
const open = (hydrator: typeof ObjectHydrator): Promise<MikroORM> =>
  MikroORM.init({ entities: [Row], dbName: 'never-connected', hydrator });

const hydratorOf = (orm: MikroORM): ObjectHydrator => orm.config.getHydrator(orm.getMetadata()) as ObjectHydrator;

const hydrate = (orm: MikroORM): unknown => orm.em.fork().map(Row, { id: 1, value: 'a' } as never);

describe('the safe hydrator', () => {
  let one: MikroORM;
  let other: MikroORM;
  beforeAll(async () => {
    [one, other] = [await open(SafeHydrator), await open(SafeHydrator)];
  });
  beforeEach(() => {
    duringHydration = () => {};
  });

  it('is running while it hydrates, for every hydrator of the process', () => {
    const running: boolean[] = [];
    duringHydration = () => running.push(hydratorOf(one).isRunning(), hydratorOf(other).isRunning());
    hydrate(one);
    expect(running).toContain(true);
    expect(running.filter((_, index) => index % 2 === 0)).toEqual(running.filter((_, index) => index % 2 === 1));
    expect([hydratorOf(one).isRunning(), hydratorOf(other).isRunning()]).toEqual([false, false]);
  });

  it('has stopped after an exception, where the stock one goes on', async () => {
    duringHydration = () => {
      throw new Error('corrupt');
    };
    const stock = await open(ObjectHydrator);
    expect(() => hydrate(stock)).toThrow('corrupt');
    expect(hydratorOf(stock).isRunning()).toBe(true);
    expect(() => hydrate(one)).toThrow('corrupt');
    expect(hydratorOf(one).isRunning()).toBe(false);
  });

  it('goes on with the outer entity when one within it failed', () => {
    let depth = 0;
    const running: boolean[] = [];
    duringHydration = () => {
      depth += 1;
      if (depth === 1) {
        expect(() => hydrate(other)).toThrow('corrupt');
        running.push(hydratorOf(one).isRunning());
      } else {
        throw new Error('corrupt');
      }
    };
    hydrate(one);
    expect(running).toEqual([true]);
    expect(hydratorOf(one).isRunning()).toBe(false);
  });

  it('has stopped after a reference with a key that fails', () => {
    const hydrator = hydratorOf(one);
    const meta = one.getMetadata(Row);
    const entity = Object.create(meta.prototype as object) as object;
    const corrupt = Object.defineProperty({}, 'id', {
      get: () => {
        throw new Error('corrupt key');
      },
    });
    expect(() => hydrator.hydrateReference(entity, meta as never, corrupt, one.em.fork().getEntityFactory())).toThrow(
      'corrupt key',
    );
    expect(hydrator.isRunning()).toBe(false);
  });
});

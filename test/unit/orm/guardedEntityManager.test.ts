import { describe, expect, it } from '@jest/globals';
import { EntityManager } from '@mikro-orm/core';
import { SqlEntityManager } from '@mikro-orm/postgresql';
import { guardedEntityManager } from '../../../src/orm/guardedEntityManager.ts';

describe('the class of the EntityManagers of tenants', () => {
  it('is one for each class that it extends, however often it is asked for', () => {
    const Class = guardedEntityManager(SqlEntityManager as never);
    expect(guardedEntityManager(SqlEntityManager as never)).toBe(Class);
    expect(guardedEntityManager(EntityManager as never)).not.toBe(Class);
  });

  it('lets instrumentation replace its methods, as those of any class', () => {
    const { prototype } = guardedEntityManager(class extends SqlEntityManager {} as never);
    const own = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
    expect(own).toEqual(expect.arrayContaining(['find', 'assign', 'transactional', 'stream', 'createQueryBuilder']));
    for (const name of own) {
      expect(Object.getOwnPropertyDescriptor(prototype, name)).toMatchObject({ writable: true, configurable: true });
    }
  });
});

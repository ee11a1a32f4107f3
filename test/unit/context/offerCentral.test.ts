import { describe, expect, it } from '@jest/globals';
import { type EntityManager, RequestContext } from '@mikro-orm/core';
import { offerCentral } from '../../../src/context/centralContext.ts';

describe('the central database that is offered to a context', () => {
  it('is made when somebody asks for it, once, and again where that has failed', () => {
    const made = { name: 'central#1' } as EntityManager;
    let forks = 0;
    const central = {
      name: 'central#1',
      fork: () => {
        forks += 1;
        // As MikroORM does: the new fork looks for itself.
        expect(RequestContext.getEntityManager('central#1')).toBeUndefined();
        if (forks === 1) {
          throw new Error('not now');
        }
        return made;
      },
    };
    RequestContext.create([], () => {
      offerCentral(central);
      expect(forks).toBe(0);
      expect(() => RequestContext.getEntityManager('central')).toThrow('not now');
      expect(RequestContext.getEntityManager('central')).toBe(made);
      expect(RequestContext.getEntityManager('central#1')).toBe(made);
      expect(forks).toBe(2);
    });
  });
});

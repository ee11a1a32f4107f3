import { describe } from '@jest/globals';
import { type EntityManager, RequestContext } from '@mikro-orm/core';
import { CreateRequestContext, EnsureRequestContext, Transactional } from '@mikro-orm/decorators/legacy';
import { type DecoratedService, decoratedServiceCases } from '../../support/isolation/decoratedServiceCases.ts';
import { Person } from '../../support/isolation/entities.ts';

type Work<R> = (em: EntityManager | undefined) => Promise<R>;

class PeopleService implements DecoratedService {
  readonly em: EntityManager;

  constructor(em: EntityManager) {
    this.em = em;
  }

  @Transactional()
  async addTwo(fail: boolean): Promise<void> {
    await this.em.insert(Person, { name: 'first' });
    if (fail) {
      throw new Error('between');
    }
    this.em.create(Person, { name: 'second' } as Person);
  }

  @Transactional()
  async addTwoAndFail(): Promise<void> {
    await this.addTwo(false);
    throw new Error('after');
  }

  @CreateRequestContext()
  async inNewContext<R>(work: Work<R>): Promise<R> {
    return work(RequestContext.getEntityManager() ?? this.em);
  }

  @EnsureRequestContext()
  async inSameContext<R>(work: Work<R>): Promise<R> {
    return work(RequestContext.getEntityManager());
  }
}

describe('a service with legacy decorators on manager.em', () => decoratedServiceCases(PeopleService));

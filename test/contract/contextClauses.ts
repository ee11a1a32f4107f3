import { type Clause, expectThat } from './Clause.ts';
import { unconnected } from './subjects.ts';

/** How MikroORM finds the EntityManager of the code that runs now. */
export const contextClauses: readonly Clause[] = [
  {
    of: '@mikro-orm/core',
    holds: '`RequestContext.create([], …)` makes a context with an empty map, whose entries and itself can be set',
    reliedOnBy: ['context/TenantContext.ts', 'context/centralContext.ts'],
    to: "enter a tenant's context with the fork that is there already, and the central database's when it is asked for",
    check: ({ core: { RequestContext } }) => {
      const em = {} as never;
      RequestContext.create([], () => {
        const context = RequestContext.currentRequestContext() as unknown as { map: Map<string, unknown> };
        expectThat(context.map instanceof Map && context.map.size === 0, 'the map is not empty');
        context.map.set('default', em);
        expectThat(RequestContext.getEntityManager() === em, 'what was set is not found');
        context.map = new Map([['central', em]]);
        expectThat(RequestContext.getEntityManager('central') === em, 'another map is not looked into');
        expectThat(RequestContext.getEntityManager() === undefined, 'the former map is looked into');
      });
    },
  },
  {
    of: '@mikro-orm/core',
    holds: 'a nested request context replaces the outer one until it is done',
    reliedOnBy: ['context/TenantContext.ts', 'context/centralContext.ts'],
    to: 'let nothing of the outer tenant reach into a nested run',
    check: ({ core: { RequestContext } }) => {
      const em = {} as never;
      RequestContext.create([], () => {
        RequestContext.currentRequestContext()?.map.set('default', em);
        RequestContext.create([], () => {
          expectThat(RequestContext.getEntityManager() === undefined, 'the outer one shows through');
        });
        expectThat(RequestContext.getEntityManager() === em, 'the outer one is not back');
      });
    },
  },
  {
    of: '@mikro-orm/core',
    holds: 'an EntityManager stands for the one that the request context has under its `name`, which is `contextName`',
    reliedOnBy: ['context/TenantContext.ts', 'context/contextualEntityManager.ts', 'orm/OpenTenants.ts'],
    to: 'tell the ORMs of tenants from each other',
    check: (peers) => {
      const { RequestContext } = peers.core;
      const { orm } = unconnected(peers, { contextName: 'tenant:acme#1' });
      const [fork, other] = [orm.em.fork({ useContext: true }), orm.em.fork({ useContext: true })];
      expectThat(fork.name === 'tenant:acme#1', `its name is ${fork.name}`);
      RequestContext.create([], () => {
        const map = RequestContext.currentRequestContext()?.map;
        map?.set('default', other).set('tenant:globex#1', other);
        expectThat(orm.em.getContext(false) === orm.em, 'another name was taken for it');
        map?.set(fork.name, fork);
        expectThat(orm.em.getContext(false) === fork, 'the fork is not found');
        expectThat(other.getContext(false) === fork, 'a fork with `useContext` does not stand for it');
        expectThat(orm.em.fork().getContext(false) !== fork, 'a fork without `useContext` stands for it');
      });
    },
  },
  {
    of: '@mikro-orm/core',
    holds: 'the innermost transaction comes before the request, and only for EntityManagers of its own name',
    reliedOnBy: ['context/TenantContext.ts', 'context/outerTransactions.ts', 'orm/guardedEntityManager.ts'],
    to: 'keep a nested run out of the transaction around it, and of those of other databases',
    check: (peers) => {
      const { RequestContext, TransactionContext } = peers.core;
      const { orm } = unconnected(peers, { contextName: 'a' });
      const { orm: elsewhere } = unconnected(peers, { contextName: 'b' });
      const [request, transaction] = [orm.em.fork({ useContext: true }), orm.em.fork({ useContext: true })];
      const mark = Symbol('mark');
      RequestContext.create([], () => {
        RequestContext.currentRequestContext()?.map.set('a', request);
        TransactionContext.create(transaction, () => {
          const context = TransactionContext.currentTransactionContext() as object as Record<symbol, unknown>;
          context[mark] = 1;
          expectThat((context as { em?: unknown }).em === transaction, 'its `em` is another one');
          expectThat(orm.em.getContext(false) === transaction, "the request's comes first");
          TransactionContext.create(elsewhere.em.fork(), () => {
            // From 7.2.5 on it knows the transactions around that one as well.
            const found = orm.em.getContext(false);
            expectThat(found === request || found === transaction, "another database's is taken");
          });
          const inner = orm.em.fork({ useContext: true });
          TransactionContext.create(inner, () => {
            expectThat(orm.em.getContext(false) === inner, 'one further out is taken');
          });
          const again = TransactionContext.currentTransactionContext() as object as Record<symbol, unknown>;
          expectThat(again[mark] === 1, 'it takes no property of ours');
        });
      });
    },
  },
  {
    of: '@mikro-orm/core',
    holds: '`fork({ disableContextResolution: true })` makes a fork of this EntityManager, whatever the context is',
    reliedOnBy: ['orm/TenantLease.ts', 'central/CentralDatabase.ts', 'provisioning/TemplateDatabase.ts'],
    to: "fork a tenant's EntityManager inside of another tenant's request",
    check: (peers) => {
      const { RequestContext } = peers.core;
      const { orm } = unconnected(peers);
      const { orm: elsewhere } = unconnected(peers);
      RequestContext.create(elsewhere.em, () => {
        const options = { disableContextResolution: true, useContext: true, cloneEventManager: true };
        const fork = orm.em.fork(options);
        expectThat(fork.getDriver() === orm.driver, "it is a fork of the context's");
        expectThat(fork.getEventManager() !== orm.em.getEventManager(), 'it shares its event manager');
      });
    },
  },
  {
    of: '@mikro-orm/core',
    holds: 'the callback of `em.transactional` runs inside its transaction context',
    reliedOnBy: ['orm/guardedEntityManager.ts'],
    to: "note there which other database's transaction is around it",
    check: async (peers) => {
      const { TransactionContext } = peers.core;
      const answer = { command: 'BEGIN', rowCount: 0, rows: [] };
      const client = { query: async () => answer, release: () => {}, processID: 1 };
      const pool = { options: {}, connect: async () => client, end: async () => {} };
      const dialect = new peers.kysely.PostgresDialect({ pool: pool as never });
      const { orm } = unconnected(peers, { driverOptions: () => dialect });
      await orm.em.fork().transactional(async (em) => {
        expectThat(TransactionContext.currentTransactionContext()?.em === em, 'it runs outside');
      });
    },
  },
];

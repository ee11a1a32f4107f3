import { Readable } from 'node:stream';
import { LockMode, RequestContext } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Context, Middleware } from 'koa';
import { bySubdomain, tenancy } from 'mikro-orm-multitenancy/koa';
import { codeOf } from './codeOf.ts';
import { HOUSES_SEEN, House } from './entities.ts';
import type { SoakManager } from './SoakWorld.ts';

/** What a session says of itself, and what a unit of work has seen. */
export interface Seen {
  readonly tenant: string;
  /** The server that the catalogue named. */
  readonly server: string | undefined;
  readonly database: string;
  readonly role: string;
  readonly port: string;
  /** Whose rows were read, one for each row. */
  readonly owners: readonly string[];
  /** The identity map's entities of anybody else. */
  readonly strangers: number;
}

/** What became of the part of a request that was for another tenant. */
export type Elsewhere = { readonly id: string; readonly seen: Seen } | { readonly id: string; readonly code: string };

export interface Answer {
  readonly seen: Seen;
  readonly elsewhere?: readonly Elsewhere[];
}

const SESSION = "select current_database() as database, current_user as role, current_setting('port') as port";

/** Reads in the tenant's database, and proves which one it is. */
export async function look(em: EntityManager, tenant: { readonly id: string; readonly server?: string | undefined }) {
  const houses = await em.find(House, { id: { $lte: HOUSES_SEEN } }, { populate: ['rooms'] });
  const [session] = await em.execute<Pick<Seen, 'database' | 'role' | 'port'>[]>(SESSION);
  const owners = houses.flatMap((house) => [house.tenant, ...house.rooms.getItems().map((room) => room.tenant)]);
  return {
    tenant: tenant.id,
    server: tenant.server,
    ...session,
    owners,
    strangers: strangersIn(em, tenant.id),
  } as Seen;
}

function strangersIn(em: EntityManager, id: string): number {
  let strangers = 0;
  for (const entity of em.getUnitOfWork().getIdentityMap().values()) {
    strangers += (entity as { readonly tenant: string }).tenant === id ? 0 : 1;
  }
  return strangers;
}

/** Takes from one house and gives to another; the sum over a tenant stays 0, and its tally counts each. */
export async function transfer(em: EntityManager, from: number, to: number): Promise<void> {
  // The tally's row first: whoever changes this tenant waits there, so that no two wait for each other.
  await em.execute('update tally set changes = changes + 1');
  const houses = await em.find(House, { id: { $in: [from, to] } }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  for (const house of houses) {
    house.balance += house.id === from ? -1 : 1;
  }
  await em.flush();
}

const houseOf = (ctx: Context, name: string): number => Number(ctx.query[name]);

/** By path: everything that an application may do with its tenant. */
function handlers(manager: SoakManager): Readonly<Record<string, (ctx: Context) => Promise<unknown>>> {
  const own = (): EntityManager => RequestContext.getEntityManager() as EntityManager;
  const inTenant = (id: string, work: (em: EntityManager) => Promise<unknown>): Promise<Elsewhere> =>
    manager
      .run(id, async (em, tenant) => {
        await work(em);
        return { id, seen: await look(em, tenant) };
      })
      .catch((error: unknown) => ({ id, code: codeOf(error) }));
  return {
    '/read': async (ctx): Promise<Answer> => ({ seen: await look(own(), ctx.state['tenant']) }),
    '/injected': async (ctx): Promise<Answer> => ({ seen: await look(manager.em, ctx.state['tenant']) }),
    '/transfer': (ctx): Promise<Answer> =>
      manager.em.transactional(async (em) => {
        await transfer(em, houseOf(ctx, 'from'), houseOf(ctx, 'to'));
        return { seen: await look(em, ctx.state['tenant']) };
      }),
    '/nested': (ctx): Promise<Answer> =>
      manager.em.transactional(async (em) => {
        await em.find(House, { id: 1 });
        const other = await inTenant(String(ctx.query['other']), (inner) =>
          inner.transactional((tx) => transfer(tx, houseOf(ctx, 'from'), houseOf(ctx, 'to'))),
        );
        return { seen: await look(manager.em, manager.requireTenant()), elsewhere: [other] };
      }),
    '/side-by-side': async (ctx): Promise<Answer> => {
      const others = String(ctx.query['other']).split(',');
      const elsewhere = await Promise.all(others.map((id) => inTenant(id, async () => {})));
      return { seen: await look(own(), ctx.state['tenant']), elsewhere };
    },
    '/stream': async (ctx) => {
      ctx.type = 'application/x-ndjson';
      return Readable.from(lines(manager, ctx.query['pause'] !== undefined));
    },
  };
}

/** All houses and rooms, each as a line, while the connection is held; slowly, for clients that leave in between. */
async function* lines(manager: SoakManager, isSlow: boolean): AsyncGenerator<string> {
  for await (const house of manager.em.stream(House, { populate: ['rooms'] })) {
    const { id } = manager.requireTenant();
    yield `${JSON.stringify({ id, owners: [house.tenant, ...house.rooms.getItems().map((room) => room.tenant)] })}\n`;
    if (isSlow) {
      await manager.em.execute('select pg_sleep(0.005)');
    }
  }
}

/** The application under test. Its errors have a code in the body, by which a client tells them apart. */
export function soakMiddleware(manager: SoakManager): Middleware[] {
  const byPath = handlers(manager);
  return [
    async (ctx, next) => {
      try {
        await next();
      } catch (error) {
        ctx.status = 500;
        ctx.body = { error: { code: codeOf(error) } };
      }
    },
    tenancy(manager, {
      resolve: bySubdomain('example.com'),
      // Everybody is one of the tenant's own, who may hear that it is suspended.
      authorize: () => true,
      refusalFloorMs: 0,
    }) as Middleware,
    async (ctx) => {
      ctx.body = await byPath[ctx.path]?.(ctx);
    },
  ];
}

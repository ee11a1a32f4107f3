import { AssertionError } from 'node:assert';
import { randomBytes } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TenantOrmManager } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { tablesWith } from './tablesWith.ts';

/** What the application answered. */
export interface IsolationAnswer {
  readonly status: number;
  /** All that a client gets to see. */
  readonly body: string;
}

/** An application, two of its tenants, and how to use it. `Route` is whatever `request` understands. */
export interface IsolationOptions<Route, T extends Tenant, EM extends SqlEntityManager> {
  readonly manager: Pick<TenantOrmManager<T, EM>, 'run' | 'evict' | 'stats'>;
  /** The ids of two tenants. What `fill` writes stays in them. */
  readonly tenants: readonly [string, string];
  /**
   * Writes rows that have `marker` in a text, with the same primary keys for both tenants: what mixes up keys shows
   * only then.
   */
  readonly fill: (em: EM, marker: string, tenant: T) => void | Promise<void>;
  /** Asks the application as a client of the tenant. It may write `marker`, where the route writes something. */
  readonly request: (tenantId: string, route: Route, marker: string) => Promise<IsolationAnswer>;
  readonly routes: readonly Route[];
  /** How often each route is asked for each tenant. @default 20 */
  readonly rounds?: number | undefined;
  /** How many requests are under way at a time. @default 16 */
  readonly concurrency?: number | undefined;
}

/**
 * Uses an application as two tenants at once, whose rows have equal primary keys, with evictions in between, and throws an
 * `AssertionError` when a text of one tenant reaches an answer or the database of the other. It also throws when no answer
 * has anything of its own tenant: such a check would show nothing.
 */
export async function expectIsolated<Route, T extends Tenant, EM extends SqlEntityManager>(
  options: IsolationOptions<Route, T, EM>,
): Promise<void> {
  const { manager, tenants, fill, request, routes, rounds = 20, concurrency = 16 } = options;
  const [one, other] = tenants;
  const markers = new Map(tenants.map((id) => [id, `only-${id}-${randomBytes(6).toString('hex')}`]));
  const markerOf = (id: string): string => markers.get(id) ?? '';
  for (const id of tenants) {
    await manager.run(id, async (em, tenant) => {
      await fill(em, markerOf(id), tenant);
      await em.flush();
    });
  }
  const crossed: string[] = [];
  const shown = new Set<string>();
  const ask = async (id: string, route: Route): Promise<void> => {
    const { status, body } = await request(id, route, markerOf(id));
    const foreign = markerOf(id === one ? other : one);
    if (body.includes(foreign)) {
      crossed.push(`${String(route)} of tenant "${id}" answered ${status} with a text of the other tenant`);
    }
    if (body.includes(markerOf(id))) {
      shown.add(id);
    }
  };
  const all = Array.from({ length: rounds }, () =>
    routes.flatMap((route) => tenants.map((id) => ({ id, route }))),
  ).flat();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < all.length; at = next++) {
      const { id, route } = all[at] as { id: string; route: Route };
      await ask(id, route);
      if (at % concurrency === concurrency - 1) {
        await manager.evict(id === one ? other : one);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  for (const id of tenants) {
    const tables = await manager.run(id, (em) => tablesWith(em, markerOf(id === one ? other : one)));
    crossed.push(...tables.map((table) => `the table ${table} of tenant "${id}" has a text of the other tenant`));
  }
  if (crossed.length > 0) {
    throw new AssertionError({
      message: `Tenants are not apart:\n${[...new Set(crossed)].map((what) => `- ${what}`).join('\n')}`,
    });
  }
  if (shown.size < 2) {
    throw new AssertionError({
      message:
        'No answer had a text of its own tenant, so that nothing was shown. Name routes that answer with what `fill` wrote.',
    });
  }
}

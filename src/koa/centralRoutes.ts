import type { Context, Next } from 'koa';
import type { TenancyManager } from './TenancyOptions.ts';
import type { TenantSessions } from './TenantSessions.ts';

/** How handlers run that have no tenant: with a fork of the central database, where the manager has one. */
export function centralRoutes(
  manager: Pick<TenancyManager<never>, 'hasCentral' | 'central'>,
  sessions: TenantSessions | undefined,
): (ctx: Context, next: Next) => Promise<unknown> {
  const central = manager.hasCentral === true ? manager.central : undefined;
  const run = (next: Next): Promise<unknown> => central?.run(() => next()) ?? next();
  return sessions === undefined
    ? (_ctx, next) => run(next)
    : (ctx, next) => sessions.run(ctx, undefined, () => run(next));
}

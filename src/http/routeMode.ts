import { TenancyConfigurationError } from '../errors.ts';
import { pathPatterns } from './pathPatterns.ts';

/**
 * What a route needs. `tenant`: one, or the request is refused. `central`: none; the request is not asked for one.
 * `either`: the tenant that the request names, if it names one; a name that no tenant has is refused.
 */
export type RouteMode = 'tenant' | 'central' | 'either';

/** One mode for all routes, one by path (all others are `tenant`), or a function that decides. */
export type RouteModes<C> = RouteMode | Readonly<Record<string, RouteMode>> | ((ctx: C) => RouteMode);

const MODES: ReadonlySet<unknown> = new Set<RouteMode>(['tenant', 'central', 'either']);

/** The mode of a request. `path` is its path as received. Throws {@link TenancyConfigurationError}. */
export function routeMode<C>(mode: RouteModes<C> = 'tenant'): (ctx: C, path: string) => RouteMode {
  if (typeof mode === 'function') {
    return (ctx) => checked(mode(ctx));
  }
  if (typeof mode !== 'object' || mode === null) {
    const always = checked(mode);
    return () => always;
  }
  const modes = pathPatterns(
    'mode',
    Object.entries(mode).map(([path, of]) => [path, checked(of)] as const),
  );
  return (_ctx, path) => modes(path) ?? 'tenant';
}

function checked(mode: unknown): RouteMode {
  if (!MODES.has(mode)) {
    throw new TenancyConfigurationError(
      `tenancy: \`mode\` is ${JSON.stringify(mode)}. It takes 'tenant', 'central' or 'either', also by path, as in ` +
        "{ '/signup': 'central', '/docs/*': 'either' }.",
    );
  }
  return mode as RouteMode;
}

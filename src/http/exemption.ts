import { pathPatterns } from './pathPatterns.ts';

/** Paths, or a function that exempts when it gives `true`. */
export type Exempt<C> = readonly string[] | ((ctx: C) => boolean | Promise<boolean>);

/** Whether a request needs no tenant, as `exempt` says. `path` is the path of the request as received. */
export type Exemption<C> = (ctx: C, path: string) => boolean | Promise<boolean>;

/** Throws `TenancyConfigurationError` for anything but a function or a list of paths. */
export function exemption<C>(exempt: Exempt<C> = []): Exemption<C> {
  if (typeof exempt === 'function') {
    return async (ctx) => (await exempt(ctx)) === true;
  }
  const isExempt = pathPatterns(
    'exempt',
    exempt.map((path) => [path, true] as const),
  );
  return (_ctx, path) => isExempt(path) === true;
}

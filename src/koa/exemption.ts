import type { Context } from 'koa';
import { pathPatterns } from '../http/pathPatterns.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { TenancyOptions } from './TenancyOptions.ts';

/** Whether a request needs no tenant, as `exempt` says. `path` is the path of the request as received. */
export type Exemption = (ctx: Context, path: string) => boolean | Promise<boolean>;

/** Throws `TenancyConfigurationError` for anything but a function or a list of paths. */
export function exemption<T extends Tenant>(exempt: TenancyOptions<T>['exempt'] = []): Exemption {
  if (typeof exempt === 'function') {
    return async (ctx) => (await exempt(ctx)) === true;
  }
  const isExempt = pathPatterns(
    'exempt',
    exempt.map((path) => [path, true] as const),
  );
  return (_ctx, path) => isExempt(path) === true;
}

import type { Context } from 'koa';
import { TenancyConfigurationError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { TenancyOptions } from './TenancyOptions.ts';

const EXACT = /^\/[^*]*$/;
const BELOW = /^\/[^*]+\/\*$/;

/** Whether a request needs no tenant, as `exempt` says. `path` is the path of the request as received. */
export type Exemption = (ctx: Context, path: string) => boolean | Promise<boolean>;

/** Throws {@link TenancyConfigurationError} for anything but a function or a list of paths. */
export function exemption<T extends Tenant>(exempt: TenancyOptions<T>['exempt'] = []): Exemption {
  if (typeof exempt === 'function') {
    return async (ctx) => (await exempt(ctx)) === true;
  }
  const exact = new Set(exempt.filter((path) => EXACT.test(path)));
  const prefixes = exempt.filter((path) => BELOW.test(path)).map((path) => path.slice(0, -1));
  const wrong = exempt.find((path) => !EXACT.test(path) && !BELOW.test(path));
  if (wrong !== undefined) {
    throw new TenancyConfigurationError(
      `tenancy: \`exempt\` has ${JSON.stringify(wrong)}. A path is exact, as "/health", or everything below one, as "/assets/*".`,
    );
  }
  return (_ctx, path) => exact.has(path) || prefixes.some((prefix) => path.startsWith(prefix));
}

import { TenancyConfigurationError } from '../errors.ts';
import { DEFAULT_PAGE, type ListOptions, MAX_PAGE } from './TenantCatalog.ts';

/** How many tenants a page may hold. Throws {@link TenancyConfigurationError} unless `limit` is 1 to 1000. */
export function pageLimit(options: ListOptions): number {
  const limit = options.limit ?? DEFAULT_PAGE;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new TenancyConfigurationError(
      `\`limit\` is ${String(limit)}. It takes a whole number from 1 to ${MAX_PAGE}, and is ${DEFAULT_PAGE} when left out.`,
    );
  }
  return limit;
}

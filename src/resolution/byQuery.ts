import { BadTenantRequestError, TenancyConfigurationError } from '../errors.ts';
import { isTenantId } from '../tenant/tenantId.ts';
import type { TenantReference, TenantRequest, TenantResolver } from './TenantRequest.ts';
import { assertTrusted, isTrusted, type Trusted } from './trust.ts';

/** Options of {@link byQuery}. */
export interface ByQueryOptions<R extends TenantRequest = TenantRequest> {
  /** Whose word the parameter is; a link is enough to set it. Where it is not trusted, it is ignored. */
  readonly trusted: Trusted<R>;
}

/** Takes a parameter of the query for the tenant's id. Two of them, and what is no tenant id, are refused. */
export function byQuery<R extends TenantRequest = TenantRequest>(
  name: string,
  options: ByQueryOptions<R>,
): TenantResolver<R> {
  if (typeof name !== 'string' || name === '') {
    throw new TenancyConfigurationError("byQuery: give the parameter's name, as in `byQuery('tenant', …)`.");
  }
  assertTrusted(`byQuery("${name}")`, (options as ByQueryOptions<R> | undefined)?.trusted);
  const resolve = async (request: R): Promise<TenantReference | undefined> => {
    // URLSearchParams takes off a question mark at the beginning; here it would be part of a name.
    const values = new URLSearchParams(`&${request.query}`).getAll(name);
    if (values.length === 0 || !(await isTrusted(options.trusted, request))) {
      return undefined;
    }
    const [id] = values;
    if (values.length > 1 || !isTenantId(id)) {
      throw new BadTenantRequestError('The query must have one tenant id where it names a tenant.');
    }
    return { by: 'id', id };
  };
  return Object.assign(resolve, { source: `query ${name}` });
}

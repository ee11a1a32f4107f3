import { validateHeaderName } from 'node:http';
import { BadTenantRequestError, TenancyConfigurationError } from '../errors.ts';
import { isTenantId } from '../tenant/tenantId.ts';
import type { TenantReference, TenantRequest, TenantResolver } from './TenantRequest.ts';
import { assertTrusted, isTrusted, type Trusted } from './trust.ts';

/** Options of {@link byHeader}. */
export interface ByHeaderOptions<R extends TenantRequest = TenantRequest> {
  /** Whose word the header is. Where it is not trusted, it is ignored. */
  readonly trusted: Trusted<R>;
}

/** Takes the value of a header for the tenant's id. Two values, a list, and what is no tenant id are refused. */
export function byHeader<R extends TenantRequest = TenantRequest>(
  name: string,
  options: ByHeaderOptions<R>,
): TenantResolver<R> {
  assertHeaderName(name);
  assertTrusted(`byHeader("${name}")`, (options as ByHeaderOptions<R> | undefined)?.trusted);
  const resolve = async (request: R): Promise<TenantReference | undefined> => {
    const values = request.header(name);
    if (values.length === 0 || !(await isTrusted(options.trusted, request))) {
      return undefined;
    }
    const [id] = values;
    if (values.length > 1 || !isTenantId(id)) {
      throw new BadTenantRequestError(`The header ${name} must be one tenant id.`);
    }
    return { by: 'id', id };
  };
  return Object.assign(resolve, { source: `header ${name.toLowerCase()}`, vary: [name] });
}

function assertHeaderName(name: string): void {
  try {
    validateHeaderName(name);
  } catch (cause) {
    throw new TenancyConfigurationError(`byHeader: ${JSON.stringify(name)} is no name of a header.`, { cause });
  }
}

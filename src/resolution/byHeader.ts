import { validateHeaderName } from 'node:http';
import { BadTenantRequestError, TenancyConfigurationError } from '../errors.ts';
import { isTenantId } from '../tenant/tenantId.ts';
import type { TenantReference, TenantRequest, TenantResolver } from './TenantRequest.ts';

export interface ByHeaderOptions<R extends TenantRequest = TenantRequest> {
  /**
   * Anyone can send a header. `true` says that this application is reachable only through something that sets or
   * removes it; a function decides for each request. Where it gives anything but `true`, the header is ignored.
   */
  readonly trusted: true | ((request: R) => boolean | Promise<boolean>);
}

/** Takes the value of a header for the tenant's id. Two values, a list, and what is no tenant id are refused. */
export function byHeader<R extends TenantRequest = TenantRequest>(
  name: string,
  options: ByHeaderOptions<R>,
): TenantResolver<R> {
  assertHeaderName(name);
  const trusted: unknown = (options as ByHeaderOptions<R> | undefined)?.trusted;
  if (trusted !== true && typeof trusted !== 'function') {
    throw new TenancyConfigurationError(
      `byHeader("${name}"): \`trusted\` is required, because any client can send a header. Give \`true\` when a proxy ` +
        'sets or removes it on every request, or a function (request) => boolean that decides.',
    );
  }
  const resolve = async (request: R): Promise<TenantReference | undefined> => {
    const values = request.header(name);
    if (values.length === 0 || (options.trusted !== true && (await options.trusted(request)) !== true)) {
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

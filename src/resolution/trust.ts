import { TenancyConfigurationError } from '../errors.ts';
import type { TenantRequest } from './TenantRequest.ts';

/**
 * Why a name may be believed that any client can send. `true`: this application is reachable only through something
 * that sets or removes it. `'proxy'`: where the connection comes from an address of `trustedProxies`, which sets or
 * removes it. A function decides for each request, and anything but `true` is a no. What is not trusted is ignored.
 */
export type Trusted<R extends TenantRequest = TenantRequest> =
  | true
  | 'proxy'
  | ((request: R) => boolean | Promise<boolean>);

/** Throws {@link TenancyConfigurationError} unless `trusted` is one of the ways to trust. `what` names the source. */
export function assertTrusted(what: string, trusted: unknown): void {
  if (trusted !== true && trusted !== 'proxy' && typeof trusted !== 'function') {
    throw new TenancyConfigurationError(
      `${what}: \`trusted\` is required, because any client can send this. Give \`'proxy'\` when an address of ` +
        '`trustedProxies` sets or removes it, `true` when there is no other way to this application, or a function ' +
        '(request) => boolean that decides.',
    );
  }
}

export async function isTrusted<R extends TenantRequest>(trusted: Trusted<R>, request: R): Promise<boolean> {
  if (typeof trusted === 'function') {
    return (await trusted(request)) === true;
  }
  return trusted === true || request.isFromTrustedProxy;
}

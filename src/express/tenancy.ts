import type { Request, RequestHandler } from 'express';
import { NodeExchange } from '../http/NodeExchange.ts';
import { Passages } from '../http/Passages.ts';
import type { TenancyManager } from '../http/TenancyOptions.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { CentralRoutesOptions, TenancyOptions } from './TenancyOptions.ts';

/**
 * Express middleware that finds the tenant of a request, asks `authorize`, and runs everything after it in the tenant's
 * context. The tenant's lease lasts until the response has been sent or its client is gone. Refusals are answered with
 * 400, 403, 404 or 503; errors of handlers go to Express, where `tenancyErrors` answers those of the tenancy.
 */
export function tenancy<T extends Tenant>(
  manager: TenancyManager<T>,
  options: TenancyOptions<T> | CentralRoutesOptions,
): RequestHandler {
  const passages = new Passages<Request, T>(manager, options);
  return (req, res, next) => passages.pass(new NodeExchange(req, res, options), next);
}

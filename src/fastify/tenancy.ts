import type { FastifyInstance, FastifyPluginCallback, FastifyRequest } from 'fastify';
import { Passages } from '../http/Passages.ts';
import type { TenancyManager } from '../http/TenancyOptions.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { FastifyExchange } from './FastifyExchange.ts';
import type { CentralRoutesOptions, TenancyOptions } from './TenancyOptions.ts';
import { tenancyErrors } from './tenancyErrors.ts';

/** Marks a plugin whose hooks are those of the instance that it is registered on. */
const SKIP_OVERRIDE = Symbol.for('skip-override');
const NAME = Symbol.for('fastify.display-name');

/**
 * Fastify plugin that finds the tenant of a request, asks `authorize`, and runs everything after it in the tenant's
 * context: hooks, parsers of bodies, handlers and streams. The tenant's lease lasts until the response has been sent or
 * its client is gone. Errors of the tenancy are answered with 400, 403, 404 or 503; every other error goes to the error
 * handler of the instance that it is registered on.
 */
export function tenancy<T extends Tenant>(
  manager: TenancyManager<T>,
  options: TenancyOptions<T> | CentralRoutesOptions,
): FastifyPluginCallback {
  const passages = new Passages<FastifyRequest, T>(manager, options);
  const plugin = (instance: FastifyInstance, _options: unknown, done: () => void): void => {
    if (!instance.hasRequestDecorator('tenant')) {
      // So that requests have their shape from the beginning.
      instance.decorateRequest('tenant').decorateRequest('tenantPath');
    }
    instance.addHook('onRequest', (request, reply, next) => {
      void passages.pass(new FastifyExchange(request, reply), next as (error?: unknown) => void);
    });
    instance.setErrorHandler(tenancyErrors(instance.errorHandler));
    done();
  };
  return Object.assign(plugin, { [SKIP_OVERRIDE]: true, [NAME]: 'mikro-orm-multitenancy' });
}

import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Tenant } from '../tenant/Tenant.ts';

/** Express has it on its request; Fastify's request keeps Node's own, which middleware saw. */
interface PlatformRequest {
  readonly tenant?: Tenant | undefined;
  readonly raw?: { readonly tenant?: Tenant | undefined } | undefined;
}

/** Gives a handler's parameter the tenant of the request; `undefined` on routes without one. */
export const CurrentTenant: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => {
    const request = context.switchToHttp().getRequest<PlatformRequest>();
    return request.tenant ?? request.raw?.tenant;
  },
);

import type { HttpTenancyOptions } from '../../../../src/http/TenancyOptions.ts';
import { bySubdomain, trustResolution } from '../../../../src/koa/index.ts';
import { TENANT_STATUSES, type Tenant } from '../../../../src/tenant/Tenant.ts';
import { FakeManager } from '../../koa/FakeManager.ts';
import type { DoorAdapter, DoorCall, DoorReply } from '../DoorAdapter.ts';

export const ACME = 'acme.example.com';
export const GLOBEX = 'globex.example.com';

const TENANTS: readonly Tenant[] = [
  { id: 'acme', database: 'acme', domains: ['acme.com', 'acme.net'] },
  { id: 'globex', database: 'globex', domains: ['globex.com'] },
  ...TENANT_STATUSES.map((status) => ({ id: `is-${status}`, database: `is_${status}`, status })),
];

export interface Started<C> {
  readonly options?: Partial<HttpTenancyOptions<C>>;
  readonly handler?: (call: DoorCall, manager: FakeManager) => DoorReply | Promise<DoorReply>;
  readonly headersBefore?: Readonly<Record<string, string>>;
}

/** A door with some tenants, whose handler says which it got. */
export async function startDoor<C>(door: DoorAdapter<C>, { options, handler, headersBefore = {} }: Started<C> = {}) {
  const manager = new FakeManager(TENANTS);
  const says = ({ tenant, path }: DoorCall): DoorReply => ({
    body: `${tenant?.id ?? 'none'} ${manager.currentTenant()?.id ?? 'none'} ${manager.isCentral()} ${path}`,
  });
  const server = await door.start({
    manager,
    handler: handler === undefined ? says : (call) => handler(call, manager),
    headersBefore,
    options: {
      resolve: bySubdomain('example.com'),
      authorize: trustResolution,
      refusalFloorMs: 0,
      ...options,
    },
  });
  return { manager, server };
}

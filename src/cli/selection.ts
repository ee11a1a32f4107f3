import { type Command, InvalidArgumentError, Option } from 'commander';
import type { FleetSelection } from '../migrations/fleet/FleetOptions.ts';
import { selectTenants } from '../migrations/fleet/selectTenants.ts';
import type { TenantOrmManager } from '../TenantOrmManager.ts';
import { TENANT_STATUSES, type Tenant, type TenantStatus } from '../tenant/Tenant.ts';

export interface SelectionOptions {
  readonly status?: readonly TenantStatus[];
  readonly server?: readonly string[];
  readonly metadata?: readonly (readonly [string, string])[];
}

/** Adds the ids and options by which tenants are chosen. */
export function addSelection(command: Command): Command {
  const status = new Option('--status <status...>', 'only tenants of these statuses').choices(TENANT_STATUSES);
  return command
    .argument('[ids...]', 'tenants; all that are in use where none is named')
    .addOption(status)
    .option('--server <name...>', 'only tenants on these servers')
    .option('--metadata <key=value...>', 'only tenants whose metadata has this', pair);
}

/** `key=value`, for an option that may be given several times. */
export function pair(
  value: string,
  before: readonly (readonly [string, string])[] = [],
): (readonly [string, string])[] {
  const at = value.indexOf('=');
  if (at < 1) {
    throw new InvalidArgumentError('It must look like plan=pro.');
  }
  return [...before, [value.slice(0, at), value.slice(at + 1)]];
}

export function selectionOf(ids: readonly string[], { status, server, metadata }: SelectionOptions): FleetSelection {
  return {
    ...(ids.length === 0 ? {} : { ids }),
    status,
    server,
    ...(metadata === undefined
      ? {}
      : { where: (tenant: Tenant) => metadata.every(([key, value]) => has(tenant, key, value)) }),
  };
}

function has(tenant: Tenant, key: string, value: string): boolean {
  const { metadata } = tenant as { readonly metadata?: Readonly<Record<string, unknown>> };
  const found = metadata?.[key];
  return found !== undefined && (typeof found === 'string' ? found : JSON.stringify(found)) === value;
}

/** The tenants themselves, by ascending id. Without ids those that take work. */
export async function selected(
  manager: TenantOrmManager<Tenant>,
  ids: readonly string[],
  options: SelectionOptions,
): Promise<Tenant[]> {
  const { status = ids.length === 0 ? (['active', 'readonly'] as const) : undefined } = options;
  const { where, server } = selectionOf(ids, options);
  const selection = {
    ids: ids.length === 0 ? undefined : [...ids],
    status: status && [...status],
    server: typeof server === 'string' ? server : server && [...server],
    where,
  };
  return selectTenants(manager.catalog, selection, new Set(Object.keys(manager.stats().servers)));
}

/** A whole number of at least `least`, for an option. */
export const atLeast =
  (least: number) =>
  (value: string): number => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    }
    return number;
  };

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time as `500ms`, `3s`, `2min`, `1h` or `30d`, in milliseconds. */
export function milliseconds(value: string): number {
  const [, amount = '', unit = ''] = /^(\d+)(ms|s|min|h|d)$/.exec(value) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined) {
    throw new InvalidArgumentError('It must look like 500ms, 3s, 2min, 1h or 30d.');
  }
  return Number(amount) * factor;
}

import { z } from 'zod';
import { TenancyConfigurationError } from '../../errors.ts';
import type { Tenant } from '../../tenant/Tenant.ts';

/** Some tenants by their ids, a part of all tenants of a run, rounded up, or all that are left. */
export type FleetWave = readonly string[] | `${number}%` | 'rest';

const PERCENTAGE = /^(\d{1,2}(?:\.\d+)?|100)%$/;

export const waveShape = z.custom<FleetWave>(
  (value) =>
    value === 'rest' ||
    (typeof value === 'string' && PERCENTAGE.test(value) && Number.parseFloat(value) > 0) ||
    (Array.isArray(value) && value.length > 0 && value.every((id) => typeof id === 'string')),
  "a list of ids, a percentage as '1%', or 'rest'",
);

/** Tenants in the order in which a run takes them, each with its wave from 1. Waves without a tenant are left out. */
export function inWaves<T extends Tenant>(
  tenants: readonly T[],
  waves: readonly FleetWave[] = ['rest'],
): { readonly tenant: T; readonly wave: number }[] {
  const left = new Set(tenants);
  const byId = new Map(tenants.map((tenant) => [tenant.id, tenant]));
  const named = new Set(waves.flatMap((wave) => (typeof wave === 'string' ? [] : wave)));
  const stranger = [...named].find((id) => !byId.has(id));
  if (stranger !== undefined) {
    throw new TenancyConfigurationError(
      `\`waves\` names tenant "${stranger}", which is not among the tenants of the run. Look at the selection.`,
      { tenantId: stranger },
    );
  }
  const take = (wave: FleetWave): T[] => {
    if (typeof wave !== 'string') {
      return wave.flatMap((id) => byId.get(id) ?? []).filter((tenant) => left.has(tenant));
    }
    // A tenant that another wave names belongs there.
    const free = [...left].filter(({ id }) => !named.has(id));
    return wave === 'rest' ? free : free.slice(0, Math.ceil((tenants.length * Number.parseFloat(wave)) / 100));
  };
  const groups: T[][] = [];
  for (const wave of [...waves, 'rest' as const]) {
    const group = take(wave);
    for (const tenant of group) {
      left.delete(tenant);
    }
    groups.push(group);
  }
  // What no wave takes goes with the last one.
  const [last = [], ...before] = groups.toReversed();
  before[0]?.push(...last);
  return before
    .toReversed()
    .filter((group) => group.length > 0)
    .flatMap((group, index) => group.map((tenant) => ({ tenant, wave: index + 1 })));
}

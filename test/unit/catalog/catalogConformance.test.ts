import { describe, expect, it } from '@jest/globals';
import { StaticCatalog } from '../../../src/catalog/StaticCatalog.ts';
import type { ListOptions, TenantCatalog } from '../../../src/catalog/TenantCatalog.ts';
import type { Tenant } from '../../../src/tenant/Tenant.ts';
import { catalogConformance } from '../../../src/testing/index.ts';

/** A StaticCatalog with one defect. */
class DefectiveCatalog extends StaticCatalog {
  static build(defect: (catalog: DefectiveCatalog) => Partial<TenantCatalog>) {
    return async (tenants: readonly Tenant[]) => {
      const catalog = new DefectiveCatalog(tenants);
      const whole: TenantCatalog = {
        find: (id) => catalog.find(id),
        findByDomain: (domain) => catalog.findByDomain(domain),
        list: (options) => catalog.list(options),
      };
      return { catalog: { ...whole, ...defect(catalog) } };
    };
  }
}

async function failuresOf(suite: ReturnType<typeof catalogConformance>): Promise<number> {
  const results = await Promise.allSettled(suite.map(({ run }) => run()));
  return results.filter(({ status }) => status === 'rejected').length;
}

describe('catalogConformance', () => {
  it.each<[string, (catalog: DefectiveCatalog) => Partial<TenantCatalog>]>([
    ['finds ids in any case', (catalog) => ({ find: (id) => catalog.find(id.toLowerCase()) })],
    ['finds ids by a trimmed value', (catalog) => ({ find: (id) => catalog.find(id.trim()) })],
    [
      'finds domains by their parents',
      (catalog) => ({ findByDomain: (domain) => catalog.findByDomain(domain.replace(/^www\./, '')) }),
    ],
    ['never finds by domain', () => ({ findByDomain: async () => undefined })],
    [
      'hides suspended tenants',
      (catalog) => ({
        find: async (id) => {
          const tenant = await catalog.find(id);
          return tenant?.status === 'suspended' ? undefined : tenant;
        },
      }),
    ],
    [
      'gives what a caller can change',
      (catalog) => {
        const known = new Map<string, Tenant | undefined>();
        return {
          find: async (id) => {
            const tenant = known.get(id) ?? (await catalog.find(id));
            known.set(id, tenant && { ...tenant });
            return known.get(id);
          },
        };
      },
    ],
    ['ignores `after`', (catalog) => ({ list: ({ limit }: ListOptions = {}) => catalog.list({ limit }) })],
    ['ignores `limit`', (catalog) => ({ list: ({ after }: ListOptions = {}) => catalog.list({ after }) })],
    [
      'repeats the last tenant of a page',
      (catalog) => ({
        list: async (options: ListOptions = {}) => {
          const { tenants, next } = await catalog.list(options);
          return { tenants, next: next && tenants.at(-2)?.id };
        },
      }),
    ],
    [
      'gives `next` on the last page',
      (catalog) => ({
        list: async (options?: ListOptions) => {
          const { tenants } = await catalog.list(options);
          return { tenants, next: tenants.at(-1)?.id };
        },
      }),
    ],
    [
      'sorts as people do',
      (catalog) => ({
        list: async (options?: ListOptions) => {
          const { tenants, next } = await catalog.list(options);
          return { tenants: tenants.toSorted((one, other) => one.id.localeCompare(other.id)), next };
        },
      }),
    ],
  ])('fails for a catalogue that %s', async (_, defect) => {
    expect(await failuresOf(catalogConformance(DefectiveCatalog.build(defect)))).toBeGreaterThan(0);
  });

  it('closes every catalogue that was built, also after a failure', async () => {
    let open = 0;
    const suite = catalogConformance(async (tenants) => {
      open += 1;
      const whole = new StaticCatalog(tenants);
      const catalog: TenantCatalog = {
        find: async () => {
          throw new Error('down');
        },
        findByDomain: (domain) => whole.findByDomain(domain),
        list: (options) => whole.list(options),
      };
      return {
        catalog,
        close: async () => {
          open -= 1;
        },
      };
    });
    expect(await failuresOf(suite)).toBeGreaterThan(0);
    expect(open).toBe(0);
  });
});

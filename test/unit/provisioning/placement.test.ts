import { describe, expect, it } from '@jest/globals';
import { type PlacementOptions, TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { placeTenant } from '../../../src/provisioning/placement.ts';

const place = (options: PlacementOptions, tenants: Readonly<Record<string, number>>, region?: string) =>
  placeTenant({ id: 'acme', region, options, servers: ['a', 'b', 'c'], tenants: new Map(Object.entries(tenants)) });

describe('placeTenant', () => {
  it('takes the server with the fewest tenants for its weight', async () => {
    expect(await place({}, { a: 2, b: 1, c: 3 })).toBe('b');
    expect(await place({}, {})).toBe('a');
    expect(await place({ servers: { a: { weight: 10 } } }, { a: 9, b: 1, c: 1 })).toBe('a');
  });

  it('leaves out those that are full, or elsewhere', async () => {
    const servers = { a: { maxTenants: 1, region: 'eu' }, b: { region: 'us' }, c: { region: 'eu' } };
    expect(await place({ servers }, { a: 1, b: 0, c: 5 }, 'eu')).toBe('c');
    expect(await place({ servers }, { a: 0, b: 9, c: 9 }, 'us')).toBe('b');
    await expect(place({ servers }, {}, 'mars')).rejects.toThrow('no server is in the region "mars"');
    const full = { a: { maxTenants: 0 }, b: { maxTenants: 0 }, c: { maxTenants: 0 } };
    await expect(place({ servers: full }, {})).rejects.toThrow('has `maxTenants` already');
  });

  it('asks a function, and checks what it says', async () => {
    const seen: unknown[] = [];
    const choose = (tenant: unknown, servers: unknown): string => {
      seen.push(tenant, servers);
      return 'c';
    };
    expect(await place({ choose, servers: { a: { weight: 2 } } }, { a: 1 }, 'eu')).toBe('c');
    expect(seen).toEqual([
      { id: 'acme', region: 'eu' },
      [
        { name: 'a', tenants: 1, weight: 2 },
        { name: 'b', tenants: 0 },
        { name: 'c', tenants: 0 },
      ],
    ]);
    await expect(place({ choose: () => 'mars' }, {})).rejects.toThrow(TenancyConfigurationError);
  });
});

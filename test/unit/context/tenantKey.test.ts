import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NoTenantError, TenancyConfigurationError, type Tenant, tenantKey } from 'mikro-orm-multitenancy';
import { keyOf } from '../../../src/context/tenantKey.ts';

const acme: Tenant = { id: 'acme', database: 'acme' };

describe('tenantKey', () => {
  it('needs a tenant', () => {
    expect(() => tenantKey('houses')).toThrow(NoTenantError);
  });

  it('begins with the tenant, and with when it was created where that is known', () => {
    expect(keyOf(acme, ['houses', 17, true])).toBe('acme:houses:17:true');
    const created = { ...acme, createdAt: new Date('2026-01-01') };
    expect(keyOf(created, ['houses'])).toBe(`acme@${Date.parse('2026-01-01')}:houses`);
  });

  it('is never the same for two tenants or for other parts', () => {
    const id = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,9}$/);
    const parts = fc.array(fc.oneof(fc.string(), fc.constantFrom(':', '%', '%3A', 'a:b')));
    fc.assert(
      fc.property(id, parts, id, parts, (one, these, other, those) => {
        const isSame = one === other && JSON.stringify(these) === JSON.stringify(those);
        const keys = [keyOf({ ...acme, id: one }, these), keyOf({ ...acme, id: other }, those)];
        expect(keys[0] === keys[1]).toBe(isSame);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [
      ['a', 'b:c'],
      ['a:b', 'c'],
    ],
    [[':'], ['', '']],
    [[':'], ['%3A']],
    [['%'], ['%25']],
    [[], ['']],
  ])('is another one for %p and for %p', (one, other) => {
    expect(keyOf(acme, one)).not.toBe(keyOf(acme, other));
  });

  it('refuses what has no text of its own', () => {
    expect(() => keyOf(acme, [{} as never])).toThrow(TenancyConfigurationError);
  });
});

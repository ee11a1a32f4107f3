import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { tenantJobKey, tenantOfJob, withTenant } from '../../../src/jobs/jobData.ts';

const acme = { tenantId: 'acme', createdAt: '2026-01-01T00:00:00.000Z' };

describe('the data of a job', () => {
  it('says whose it is, also as a queue keeps it', () => {
    const data = withTenant({ houseId: 17 }, acme);
    expect(data).toEqual({ houseId: 17, tenancy: acme });
    expect(tenantOfJob(JSON.parse(JSON.stringify(data)))).toEqual(acme);
  });

  it.each<{ what: string; data: unknown }>([
    { what: 'an owner of its own', data: { tenancy: { tenantId: 'globex' } } },
    { what: 'an owner that is undefined', data: { tenancy: undefined } },
    { what: 'an inherited owner', data: Object.create({ tenancy: { tenantId: 'globex' } }) },
    { what: 'a list', data: [1, 2] },
    { what: 'null', data: null },
    { what: 'a text', data: 'acme' },
  ])('is refused where it is $what', ({ data }) => {
    expect(() => withTenant(data as object, acme)).toThrow(TenancyConfigurationError);
  });

  it.each<{ what: string; data: unknown }>([
    { what: 'nothing', data: undefined },
    { what: 'an object that says nothing', data: { houseId: 17 } },
    { what: 'an id alone', data: { tenancy: 'acme' } },
    { what: 'more than a snapshot', data: { tenancy: { ...acme, database: 'globex' } } },
  ])('names no tenant as $what', ({ data }) => {
    expect(() => tenantOfJob(data)).toThrow(TenancyConfigurationError);
  });
});

describe('the key of a job', () => {
  it('is never the same for two tenants, whatever it is', () => {
    const id = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,9}$/);
    const key = fc.oneof(fc.string(), fc.stringMatching(/^[a-z.]{0,5}$/));
    fc.assert(
      fc.property(id, key, id, key, (one, mine, other, theirs) => {
        const isSame = one === other && mine === theirs;
        expect(tenantJobKey(mine, { tenantId: one }) === tenantJobKey(theirs, { tenantId: other })).toBe(isSame);
      }),
      { numRuns: 2_000 },
    );
  });
});

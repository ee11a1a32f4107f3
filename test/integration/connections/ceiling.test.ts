import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { ManyTenants, Place } from '../../support/connections/ManyTenants.ts';
import { SessionSampler } from '../../support/connections/SessionSampler.ts';
import { assertClosed } from '../../support/manager/TestTenants.ts';

const TENANTS = 500;
const CONCURRENCY = 256;
const BUDGET = 20;
const REQUESTS = 2_500;
/** Every second request goes to one of these few, so that they have several under way at a time. */
const BUSY_TENANTS = 20;

describe(`${TENANTS} tenants on a budget of ${BUDGET} connections`, () => {
  let many: ManyTenants;
  beforeAll(async () => {
    many = await ManyTenants.create(TENANTS);
  }, 60_000);
  afterAll(() => many[Symbol.asyncDispose]());

  it(`never have more sessions than that under ${CONCURRENCY} requests at a time, and lose none of them`, async () => {
    const manager = await TenantOrmManager.init({
      orm: { entities: [Place] },
      // Opening a connection for most requests takes longer on a slow machine than callers should wait in production.
      server: { url: many.server.url, maxConnections: BUDGET, acquireTimeoutMs: 60_000 },
      catalog: new StaticCatalog(many.tenants),
    });
    const sampler = await SessionSampler.start(many.server.url);
    const wrong: string[] = [];
    const seen = new Set<string>();
    let next = 0;
    let mostCounted = 0;
    const client = async (): Promise<void> => {
      while (next < REQUESTS) {
        const n = next++;
        const tenant = many.tenants[n % 2 === 0 ? (n / 2) % TENANTS : (n >> 1) % BUSY_TENANTS];
        const places = await manager.run(tenant?.id ?? '', (em) => em.find(Place, {}));
        const { opening, idle, inUse, closing } = manager.stats().servers['default']?.requests ?? {};
        mostCounted = Math.max(mostCounted, (opening ?? 0) + (idle ?? 0) + (inUse ?? 0) + (closing ?? 0));
        const [database] = places.map((place) => place.database);
        seen.add(database ?? '');
        if (places.length !== 1 || database !== tenant?.database) {
          wrong.push(`${tenant?.id} reached ${database}`);
        }
      }
    };
    // Rejects with the first error of a request.
    await Promise.all(Array.from({ length: CONCURRENCY }, client));
    const { samples, most } = sampler;
    await manager.close();
    assertClosed(manager);
    await sampler.stop();
    expect(wrong).toEqual([]);
    expect(seen.size).toBe(TENANTS);
    expect(most).toBeLessThanOrEqual(BUDGET);
    expect(mostCounted).toBeLessThanOrEqual(BUDGET);
    // It was at its ceiling and was looked at: two of the budget are kept for migrations.
    expect(most).toBeGreaterThanOrEqual(BUDGET - 4);
    expect(samples).toBeGreaterThan(100);
    expect(manager.stats().servers['default']?.requests.refused).toBe(0);
  }, 90_000);
});

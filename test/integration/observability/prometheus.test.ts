import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TenantNotFoundError } from 'mikro-orm-multitenancy';
import { tenancyMetricNames, tenancyMetrics } from 'mikro-orm-multitenancy/prometheus';
import { Registry } from 'prom-client';
import { serverUrl } from '../../support/databases.ts';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';
import { migrationsList } from '../../support/migrations/migrations.ts';

/** The lines of a scrape that are about one metric, its buckets left out. */
async function scraped(register: Registry, name: string): Promise<string[]> {
  const lines = (await register.metrics()).split('\n');
  return lines.filter((line) => line.startsWith(name) && !line.includes('_bucket'));
}

describe('tenancyMetrics', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  async function measured(options = {}) {
    const manager = await tenants.manager({ server: { url: serverUrl(), maxConnections: 7 }, ...options });
    const register = new Registry();
    return { manager, register, metrics: tenancyMetrics(manager, { register }) };
  }

  it('shows what is open at the time of the scrape', async () => {
    const { manager, register } = await measured();
    await manager.run('acme', (em) => em.count(House));
    await using lease = await manager.acquire('globex');
    expect(await scraped(register, 'tenancy_tenants')).toEqual([
      'tenancy_tenants{state="open"} 2',
      'tenancy_tenants{state="opening"} 0',
      'tenancy_tenants{state="leased"} 1',
    ]);
    expect(await scraped(register, 'tenancy_connections{')).toContain(
      'tenancy_connections{server="default",budget="requests",state="idle"} 1',
    );
    expect(await scraped(register, 'tenancy_connections_limit')).toEqual([
      'tenancy_connections_limit{server="default",budget="requests"} 5',
      'tenancy_connections_limit{server="default",budget="reserved"} 2',
    ]);
    expect(await scraped(register, 'tenancy_server_breaker')).toEqual([
      'tenancy_server_breaker{server="default",route="primary"} 0',
    ]);
    lease.release();
    await manager.close();
    // The scrape after the end of the manager is answered too.
    expect(await scraped(register, 'tenancy_tenants')).toContain('tenancy_tenants{state="open"} 0');
  });

  it('counts and times what happened', async () => {
    const { manager, register } = await measured({ orm: { entities: [House], migrations: { migrationsList } } });
    await manager.run('acme', (em) => em.count(House));
    await expect(manager.run('acme', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(manager.run('nobody', async () => {})).rejects.toThrow(TenantNotFoundError);
    await manager.migrator('acme').up();
    await manager.evict('acme');
    const count = async (name: string) => (await scraped(register, name)).filter((line) => line.includes('_count'));
    expect(await count('tenancy_run_duration_seconds')).toEqual([
      'tenancy_run_duration_seconds_count{code="OK"} 1',
      'tenancy_run_duration_seconds_count{code="OTHER"} 1',
    ]);
    expect(await count('tenancy_acquire_duration_seconds')).toEqual([
      'tenancy_acquire_duration_seconds_count{code="OK"} 2',
      'tenancy_acquire_duration_seconds_count{code="TENANT_NOT_FOUND"} 1',
    ]);
    expect(await count('tenancy_migration_duration_seconds')).toEqual([
      'tenancy_migration_duration_seconds_count{direction="up"} 1',
    ]);
    expect(await count('tenancy_connection_wait_duration_seconds')).toContain(
      'tenancy_connection_wait_duration_seconds_count{server="default",code="OK"} 2',
    );
    expect(await scraped(register, 'tenancy_tenant_closed_total')).toEqual([
      'tenancy_tenant_closed_total{reason="evicted"} 1',
    ]);
    await manager.close();
  });

  it('has no tenant, database or password anywhere, whatever happens', async () => {
    const { manager, register } = await measured();
    await manager.run('acme', (em) => em.count(House));
    await manager.run('globex', (em) => manager.run('acme', () => em.count(House)));
    await expect(manager.run('initech', async () => {})).rejects.toThrow();
    manager.events.emit('resolution:refused', { code: 'tenant acme', tenantId: 'acme' });
    await manager.close();
    const text = await register.metrics();
    expect(text).toContain('tenancy_resolution_refusals_total{code="OTHER"} 1');
    expect(text).not.toMatch(/acme|globex|initech|password/);
  });

  it('has every name that it promises, and no other', async () => {
    const { manager, register } = await measured();
    expect(
      register
        .getMetricsAsArray()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...tenancyMetricNames].sort());
    await manager.close();
  });

  it('measures no more once it is stopped, and may begin anew on the same registry', async () => {
    const { manager, register, metrics } = await measured();
    metrics.stop();
    await manager.run('acme', (em) => em.count(House));
    expect(register.getMetricsAsArray()).toEqual([]);
    expect(manager.events.eventNames()).toEqual(['resolution:refused']);
    const again = tenancyMetrics(manager, { register });
    await manager.run('acme', (em) => em.count(House));
    expect(await scraped(register, 'tenancy_run_duration_seconds_count')).toEqual([
      'tenancy_run_duration_seconds_count{code="OK"} 1',
    ]);
    again.stop();
    await manager.close();
  });
});

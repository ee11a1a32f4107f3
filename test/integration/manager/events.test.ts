import { describe, expect, it } from '@jest/globals';
import { serverUrl } from '../../support/databases.ts';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';
import { runProgram } from '../../support/runProgram.ts';

describe('events', () => {
  it('whose listeners throw change nothing of the work, and their exceptions are not swallowed', async () => {
    await using tenants = await TestTenants.create(['acme']);
    const { stdout } = await runProgram('manager/listenersProgram.ts', [serverUrl(), tenants.databaseOf('acme')]);
    expect(JSON.parse(stdout)).toEqual({
      answer: 42,
      code: 'TENANT_DATABASE_MISSING',
      evicted: true,
      left: [0, 0, 0, 0],
      heard: [
        'connection:closed',
        'connection:failed',
        'connection:opened',
        'connection:tainted',
        'tenant:evicted',
        'tenant:opened',
      ],
      uncaught: true,
    });
  });

  it('tell of each step of a tenant’s life, once and in order', async () => {
    await using tenants = await TestTenants.create(['acme']);
    const manager = await tenants.manager();
    const log: string[] = [];
    manager.events.on('tenant:opened', ({ tenantId, generation }) => log.push(`opened ${tenantId} #${generation}`));
    manager.events.on('tenant:evicted', ({ tenantId, reason }) => log.push(`evicted ${tenantId}: ${reason}`));
    manager.events.on('connection:opened', ({ tenantId, server }) => log.push(`connected ${tenantId} to ${server}`));
    manager.events.on('connection:closed', ({ tenantId, reason }) => log.push(`disconnected ${tenantId}: ${reason}`));
    await manager.run('acme', (em) => em.count(House));
    await manager.run('acme', (em) => em.count(House));
    await Promise.all([manager.evict('acme'), manager.evict('acme')]);
    await manager.run('acme', (em) => em.count(House));
    await manager.close();
    expect(log).toEqual([
      'opened acme #1',
      'connected acme to default',
      'disconnected acme: ended',
      'evicted acme: evicted',
      'opened acme #2',
      'connected acme to default',
      'disconnected acme: ended',
      'evicted acme: manager closed',
    ]);
  });
});

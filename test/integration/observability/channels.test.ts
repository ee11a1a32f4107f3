import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { currentTenant, type TenancyChannels, TenantNotFoundError } from 'mikro-orm-multitenancy';
import { serverUrl } from '../../support/databases.ts';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';

const stops: (() => void)[] = [];

/** Hears the channel until the end of the test. */
function hear<K extends keyof TenancyChannels>(name: K, heard: (message: TenancyChannels[K]) => void): void {
  const listener = (message: unknown): void => heard(message as TenancyChannels[K]);
  subscribe(name, listener);
  stops.push(() => unsubscribe(name, listener));
}

/** What the channels of `run` and `acquire` say, with the tenant in whose context they say it. */
function hearTraces(log: string[]): void {
  for (const operation of ['acquire', 'run'] as const) {
    for (const point of ['start', 'asyncEnd', 'error'] as const) {
      hear(`tracing:mikro-orm-multitenancy:${operation}:${point}`, ({ tenantId }) =>
        log.push(`${operation} ${point} ${tenantId} in ${currentTenant()?.id}`),
      );
    }
  }
}

describe('the channels of node:diagnostics_channel', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
  });
  afterEach(() => {
    for (const stop of stops.splice(0)) {
      stop();
    }
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  it('carry each event, as listeners of the manager get it', async () => {
    const manager = await tenants.manager();
    const published: unknown[] = [];
    hear('mikro-orm-multitenancy:tenant:opened', (event) => published.push(event));
    const emitted: unknown[] = [];
    manager.events.on('tenant:opened', (event) => emitted.push(event));
    await manager.run('acme', (em) => em.count(House));
    expect(published).toEqual(emitted);
    expect(published).toMatchObject([{ tenantId: 'acme', tookMs: expect.any(Number) }]);
    await manager.close();
  });

  it('have no subscriber that nobody asked for', async () => {
    const manager = await tenants.manager();
    await manager.run('acme', (em) => em.count(House));
    expect(channel('mikro-orm-multitenancy:tenant:opened').hasSubscribers).toBe(false);
    expect(tracingChannel('mikro-orm-multitenancy:run').hasSubscribers).toBe(false);
    await manager.close();
  });

  it('begin and end each run as its own tenant, also one inside of another', async () => {
    const manager = await tenants.manager();
    const log: string[] = [];
    hearTraces(log);
    await manager.run('acme', async () => {
      await manager.run('globex', async () => {});
    });
    expect(log).toEqual([
      'acquire start acme in undefined',
      'acquire asyncEnd acme in undefined',
      'run start acme in undefined',
      'acquire start globex in acme',
      'acquire asyncEnd globex in acme',
      'run start globex in acme',
      'run asyncEnd globex in acme',
      'run asyncEnd acme in undefined',
    ]);
    await manager.close();
  });

  it('tell of a run that throws, which throws the same', async () => {
    const manager = await tenants.manager();
    const failure = new Error('the work failed');
    const log: string[] = [];
    hearTraces(log);
    const errors: unknown[] = [];
    hear('tracing:mikro-orm-multitenancy:run:error', ({ error }) => errors.push(error));
    await expect(manager.run('acme', () => Promise.reject(failure))).rejects.toBe(failure);
    expect(errors).toEqual([failure]);
    expect(log).toContain('run error acme in undefined');
    await manager.close();
  });

  it('show no password, whatever is wrong with a server or a database', async () => {
    const url = new URL(serverUrl());
    url.password = 'top-secret-word';
    const manager = await tenants.manager({
      server: { url: url.href, password: () => Promise.reject(new Error('no token')) },
    });
    const messages: unknown[] = [];
    hear('mikro-orm-multitenancy:connection:failed', (event) => messages.push(event));
    hear('mikro-orm-multitenancy:connection:waited', (event) => messages.push(event));
    await expect(manager.run('acme', (em) => em.count(House))).rejects.toThrow();
    expect(messages.length).toBeGreaterThan(1);
    expect(inspect(messages, { depth: 20, showHidden: true })).not.toContain('top-secret-word');
    await manager.close();
  });

  it('tell of an acquisition that fails', async () => {
    const manager = await tenants.manager();
    const log: string[] = [];
    hearTraces(log);
    await expect(manager.run('nobody', async () => {})).rejects.toThrow(TenantNotFoundError);
    expect(log).toContain('acquire error nobody in undefined');
    expect(log.some((line) => line.startsWith('run'))).toBe(false);
    await manager.close();
  });
});

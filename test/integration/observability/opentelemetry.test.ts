import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ConnectionBudgetExceededError, requireTenant, TenantNotFoundError } from 'mikro-orm-multitenancy';
import { bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { instrumentTenancy } from 'mikro-orm-multitenancy/opentelemetry';
import { serverUrl } from '../../support/databases.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';
import { migrationsList, names } from '../../support/migrations/migrations.ts';
import { Telemetry } from '../../support/observability/Telemetry.ts';
import { LifeWorld } from '../../support/provisioning/LifeWorld.ts';

const isRun = ({ name }: { readonly name: string }): boolean => name === 'tenant.run';

describe('instrumentTenancy', () => {
  let tenants: TestTenants;
  const opened: Telemetry[] = [];
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((telemetry) => telemetry[Symbol.asyncDispose]()));
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  async function instrumented(options = {}) {
    const manager = await tenants.manager(options);
    const telemetry = new Telemetry();
    opened.push(telemetry);
    const instrumentation = instrumentTenancy(manager, telemetry);
    return { manager, telemetry, instrumentation };
  }

  it('makes spans of acquiring, opening, running and waiting, each of its tenant', async () => {
    const { manager, telemetry } = await instrumented();
    await manager.run('acme', (em) => em.count(House));
    expect(telemetry.tree()).toEqual([
      'tenant.acquire of acme',
      'tenant.open of acme < tenant.acquire of acme',
      'tenant.run of acme',
      'tenant.connection.wait of acme < tenant.run of acme',
    ]);
    await manager.close();
  });

  it('keeps the tenants of nested runs apart, and gives the outer one its span back', async () => {
    const { manager, telemetry } = await instrumented();
    const active: (Span | undefined)[] = [];
    await manager.run('acme', async () => {
      active.push(trace.getActiveSpan());
      await Promise.all([
        manager.run('globex', async () => active.push(trace.getActiveSpan())),
        manager.run('acme', async () => active.push(trace.getActiveSpan())),
      ]);
      active.push(trace.getActiveSpan());
    });
    expect(telemetry.tree(isRun)).toEqual([
      'tenant.run of acme',
      'tenant.run of globex < tenant.run of acme',
      'tenant.run of acme < tenant.run of acme',
    ]);
    expect(active[0]).toBe(active[3]);
    expect(new Set(active.map((span) => span?.spanContext().traceId)).size).toBe(1);
    expect(trace.getActiveSpan()).toBeUndefined();
    await manager.close();
  });

  it('is around the handlers of requests, each its own tenant’s', async () => {
    const { manager, telemetry } = await instrumented();
    await using server = await KoaServer.start(
      tenancy(manager, { resolve: bySubdomain('example.com'), authorize: trustResolution }),
      async (ctx) => {
        const span = trace.getActiveSpan() as unknown as ReadableSpan | undefined;
        ctx.body = `${requireTenant().id} in ${String(span?.attributes['tenancy.tenant.id'])}`;
      },
    );
    const ids = ['acme', 'globex', 'acme', 'globex'];
    const answers = await Promise.all(ids.map((id) => server.send(`${id}.example.com`)));
    expect(answers.map(({ body }) => body)).toEqual(ids.map((id) => `${id} in ${id}`));
    expect(telemetry.tree(isRun).sort()).toEqual([...ids.map((id) => `tenant.run of ${id}`)].sort());
    await manager.close();
  });

  it('gives what comes late to the tenant that it is of, and to the run that began it', async () => {
    const { manager, telemetry } = await instrumented();
    const gate = Promise.withResolvers<void>();
    const { late } = await manager.run('acme', (em) => ({ late: gate.promise.then(() => em.count(House)) }));
    await manager.run('globex', async () => {
      gate.resolve();
      await late;
    });
    expect(telemetry.tree(({ name }) => name === 'tenant.connection.wait')).toEqual([
      'tenant.connection.wait of acme < tenant.run of acme',
    ]);
    await manager.evict('acme');
    await manager.run('acme', (em) => em.count(House));
    expect(telemetry.tree(({ name }) => name === 'tenant.open')).toHaveLength(3);
    await manager.close();
  });

  it('marks what failed by its code, and keeps to itself what a driver or an application says', async () => {
    const { manager, telemetry } = await instrumented();
    await expect(manager.run('acme', (em) => em.execute("select 'top-secret-word'::int"))).rejects.toThrow(
      'top-secret-word',
    );
    await expect(manager.run('acme', () => Promise.reject('top-secret-word'))).rejects.toBe('top-secret-word');
    await expect(manager.run('initech', async () => {})).rejects.toThrow(TenantNotFoundError);
    const failed = telemetry.spans.filter(({ status }) => status.code === SpanStatusCode.ERROR);
    expect(failed.map(({ name, attributes, status }) => [name, attributes['error.type'], status.message])).toEqual([
      ['tenant.run', 'DriverException', undefined],
      ['tenant.run', 'string', undefined],
      ['tenant.acquire', 'TENANT_NOT_FOUND', expect.stringContaining('initech')],
    ]);
    const exported = telemetry.spans.map(({ attributes, events, status }) => ({ attributes, events, status }));
    expect(inspect(exported, { depth: 10 })).not.toMatch(/top-secret-word|password/);
    await manager.close();
  });

  it('shows who waited in vain', async () => {
    const server = {
      url: serverUrl(),
      maxConnections: 2,
      reservedConnections: 1,
      maxWaiting: 0,
      maxWaitingPerTenant: 0,
    };
    const { manager, telemetry } = await instrumented({ server });
    await manager.run('acme', (em) =>
      em.transactional(async (tx) => {
        await tx.count(House);
        await expect(manager.run('globex', (other) => other.count(House))).rejects.toThrow(
          ConnectionBudgetExceededError,
        );
      }),
    );
    const [, waited] = telemetry.spans.filter(({ name }) => name === 'tenant.connection.wait');
    expect(waited).toMatchObject({
      attributes: { 'tenancy.tenant.id': 'globex', 'error.type': 'CONNECTION_BUDGET_EXCEEDED' },
    });
    await manager.close();
  });

  it('makes spans of migrations', async () => {
    const { manager, telemetry } = await instrumented({ orm: { entities: [House], migrations: { migrationsList } } });
    await manager.migrator('globex').up();
    const [span] = telemetry.spans.filter(({ name }) => name === 'tenant.migrate');
    expect(span?.attributes).toEqual({
      'tenancy.tenant.id': 'globex',
      'tenancy.migrations': names,
      'tenancy.migration.direction': 'up',
    });
    await manager.close();
  });

  it('makes a span of each step of what is done to a tenant, within that of the whole', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await using telemetry = new Telemetry();
    instrumentTenancy(manager, telemetry);
    await manager.provision({ id: 'acme' });
    const tree = telemetry.tree(({ name }) => name.startsWith('tenant.provision'));
    expect(tree[0]).toBe('tenant.provision of acme');
    expect(tree.length).toBeGreaterThan(2);
    expect(tree.slice(1).filter((line) => !line.endsWith('of acme < tenant.provision of acme'))).toEqual([]);
    const [whole] = telemetry.spans.filter(({ name }) => name === 'tenant.provision');
    expect(whole?.attributes).toMatchObject({ 'tenancy.operation.state': 'done', 'tenancy.operation.attempt': 1 });
  });

  it('measures without a tenant in any label', async () => {
    const { manager, telemetry } = await instrumented();
    await manager.run('acme', (em) => em.count(House));
    await using lease = await manager.acquire('globex');
    expect(await telemetry.metric('tenancy.leases')).toMatchObject([{ attributes: {}, value: 1 }]);
    expect(await telemetry.metric('tenancy.tenants')).toMatchObject([
      { attributes: { state: 'open' }, value: 2 },
      { attributes: { state: 'opening' }, value: 0 },
      { attributes: { state: 'leased' }, value: 1 },
    ]);
    expect(await telemetry.metric('tenancy.run.duration')).toMatchObject([
      { attributes: { code: 'OK' }, value: { count: 1 } },
    ]);
    expect(await telemetry.metric('tenancy.connection.open.duration')).toMatchObject([
      { attributes: { server: 'default' }, value: { count: 1 } },
    ]);
    const labels = (await telemetry.allMetrics()).flatMap(({ dataPoints }) => dataPoints.map((one) => one.attributes));
    expect(JSON.stringify(labels)).not.toMatch(/acme|globex/);
    lease.release();
    await manager.close();
  });

  it('reports no more once it is stopped, and works beside another one', async () => {
    const { manager, telemetry, instrumentation } = await instrumented();
    await using second = new Telemetry();
    instrumentTenancy(manager, second);
    await manager.run('acme', async () => {});
    instrumentation.stop();
    await manager.run('acme', async () => {});
    expect([telemetry, second].map((one) => one.spans.filter(isRun).length)).toEqual([1, 2]);
    expect(await telemetry.metric('tenancy.leases')).toEqual([]);
    await manager.close();
  });
});

import { createServer } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { describe, expect, it } from '@jest/globals';
import { type Context, Hono } from 'hono';
import { stream } from 'hono/streaming';
import { ManagerClosedError, TenancyConfigurationError } from '../../../src/errors.ts';
import { byPath, bySubdomain, tenancy, trustResolution } from '../../../src/hono/index.ts';
import type { TenantOrmManager } from '../../../src/TenantOrmManager.ts';
import type { Tenant } from '../../../src/tenant/Tenant.ts';
import { TestServer } from '../../support/http/TestServer.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';

const ACME = 'acme.example.com';
const options = { resolve: bySubdomain('example.com'), authorize: trustResolution, refusalFloorMs: 0 } as const;

function managerOf() {
  return new FakeManager(['acme', 'globex'].map((id) => ({ id, database: id })));
}

async function listen(app: { fetch: Hono<{ Bindings: HttpBindings }>['fetch'] }): Promise<TestServer> {
  const listener = getRequestListener(app.fetch);
  return TestServer.listen(createServer((req, res) => void listener(req, res)));
}

describe('tenancy in Hono', () => {
  it('types the tenant for what follows', () => {
    interface Customer extends Tenant {
      readonly plan: string;
    }
    const program = (manager: TenantOrmManager<Customer>) =>
      new Hono().use(tenancy(manager, { ...options, authorize: (_c, { plan }) => plan === 'gold' })).get('/', (c) => {
        const plan: string = c.get('tenant').plan;
        return c.text(plan);
      });
    expect(program).toBeInstanceOf(Function);
  });

  it('lets web streams produce as the tenant, from the first chunk to their end', async () => {
    const manager = managerOf();
    const app = new Hono().use(tenancy(manager, options));
    const current = () => `${manager.currentTenant()?.id} `;
    app.get('/pulled', () => {
      let left = 5;
      const pull = async (controller: ReadableStreamDefaultController) => {
        await new Promise((resolve) => setImmediate(resolve));
        controller.enqueue(Buffer.from(current()));
        left -= 1;
        if (left === 0) {
          controller.close();
        }
      };
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers: { 'content-type': 'a/b' } });
    });
    app.get('/pushed', (c) =>
      stream(c, async (to) => {
        await to.write(current());
        await to.sleep(0);
        await to.write(current());
      }),
    );
    await using server = await listen(app as never);
    expect((await server.send(ACME, '/pulled')).body).toBe('acme '.repeat(5));
    expect((await server.send(ACME, '/pushed')).body).toBe('acme acme ');
    await manager.allReleased();
  });

  it('is part of the routes that it is used on, with the tenant in their path', async () => {
    const manager = managerOf();
    const app = new Hono();
    const tenants = new Hono().use(tenancy(manager, { ...options, resolve: byPath({ prefix: '/t' }) }));
    tenants.get('/houses', (c) => c.text(`${manager.currentTenant()?.id} ${c.req.path}`));
    app.route('/t/:tenant', tenants).get('/health', (c) => c.text('well'));
    await using server = await listen(app as never);
    expect((await server.send('x', '/t/acme/houses')).body).toBe('acme /t/acme/houses');
    expect((await server.send('x', '/health')).body).toBe('well');
  });

  it('gives errors of the application to Hono once', async () => {
    const manager = managerOf();
    const seen: unknown[] = [];
    const app = new Hono().use(tenancy(manager, options));
    app.onError((error, c) => {
      seen.push(error.message);
      return c.text('own', 418);
    });
    app.get('/broken', () => {
      throw new Error('broken');
    });
    app.get('/closed', () => {
      throw new ManagerClosedError();
    });
    await using server = await listen(app as never);
    expect(await server.send(ACME, '/broken')).toMatchObject({ status: 418, body: 'own' });
    expect((await server.send(ACME, '/closed')).status).toBe(503);
    expect(seen).toEqual(['broken', new ManagerClosedError().message]);
  });

  it('says what it needs where there is no server of Node.js', async () => {
    const errors: unknown[] = [];
    const app = new Hono().use(tenancy(managerOf(), options) as never);
    app.onError((error, c: Context) => {
      errors.push(error);
      return c.text('', 500);
    });
    expect((await app.request('http://acme.example.com/')).status).toBe(500);
    expect(errors).toEqual([expect.any(TenancyConfigurationError)]);
    expect(String(errors[0])).toContain('@hono/node-server');
  });
});

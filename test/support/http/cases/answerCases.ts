import { describe, expect, it } from '@jest/globals';
import {
  BadTenantRequestError,
  ConnectionBudgetExceededError,
  type TenancyError,
  TenantConnectionError,
  TenantNotFoundError,
  TenantUnavailableError,
  WrongTenantError,
} from '../../../../src/errors.ts';
import { TENANT_STATUSES, type TenantStatus } from '../../../../src/tenant/Tenant.ts';
import type { DoorAdapter } from '../DoorAdapter.ts';
import { ACME, startDoor } from './startDoor.ts';

const NOT_FOUND = '{"error":{"code":"TENANT_NOT_FOUND","message":"Not Found"}}';
const budget = new ConnectionBudgetExceededError('acme', 'no connection became free within 3000 ms', 50, 50, 12);

/** What the manager or a handler may throw, the status and code to answer with, and Retry-After. */
const ERRORS: readonly [TenancyError, number, string, string | undefined][] = [
  [budget, 503, 'CONNECTION_BUDGET_EXCEEDED', '1'],
  [new TenantConnectionError('acme', 'refused by db1', { retryInMs: 9_000 }), 503, 'TENANT_CONNECTION_FAILED', '9'],
  [new TenantUnavailableError('acme', 'maintenance'), 503, 'TENANT_UNAVAILABLE', '30'],
  [new TenantUnavailableError('acme', 'suspended'), 404, 'TENANT_NOT_FOUND', undefined],
  [new TenantNotFoundError('acme'), 404, 'TENANT_NOT_FOUND', undefined],
  [new BadTenantRequestError('Two values for one tenant.'), 400, 'BAD_TENANT_REQUEST', undefined],
];

/** The status, to a member, of reading and of writing. */
const STATUSES: Readonly<Record<TenantStatus, readonly [number, number]>> = {
  active: [200, 200],
  readonly: [200, 403],
  suspended: [403, 403],
  provisioning: [503, 503],
  maintenance: [503, 503],
  archived: [404, 404],
  dropping: [404, 404],
  failed: [404, 404],
};

export function answerCases<C>(door: DoorAdapter<C>): void {
  const fails = (error: unknown) => (): never => {
    throw error;
  };

  describe('an error of the tenancy', () => {
    it.each(ERRORS)('is answered when acquire rejects: %p', async (error, status, code, retryAfter) => {
      const { manager, server } = await startDoor(door);
      await using _ = server;
      manager.beforeLease = async () => fails(error)();
      const answer = await server.send(ACME);
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.body)).toMatchObject({ error: { code } });
      expect(answer.headers).toMatchObject({
        'cache-control': 'no-store',
        'content-type': 'application/json; charset=utf-8',
        'content-length': String(answer.body.length),
      });
      expect(answer.headers['retry-after']).toBe(retryAfter);
    });

    it.each(ERRORS)(
      'is answered in the same way when the handler throws it: %p',
      async (error, status, code, after) => {
        const { manager, server } = await startDoor(door, { handler: fails(error) });
        await using _ = server;
        const { headers, ...answer } = await server.send(ACME);
        expect(answer).toMatchObject({ status, body: expect.stringContaining(`"${code}"`) });
        expect(headers['retry-after']).toBe(after);
        await manager.allReleased();
        expect(manager.released).toBe(1);
        expect(manager.refusals).toEqual([]);
      },
    );

    it.each([
      ['application/json', 'application/json; charset=utf-8', NOT_FOUND],
      ['*/*', 'application/json; charset=utf-8', NOT_FOUND],
      ['text/plain', 'text/plain; charset=utf-8', 'Not Found\n'],
      ['text/html,application/xhtml+xml,*/*;q=0.8', 'text/plain; charset=utf-8', 'Not Found\n'],
      [';;;', 'text/plain; charset=utf-8', 'Not Found\n'],
    ])('is answered by Accept: %s', async (accept, type, body) => {
      const { server } = await startDoor(door);
      await using _ = server;
      const answer = await server.send('nobody.example.com', '/', { accept });
      expect(answer).toMatchObject({ status: 404, body, headers: { 'content-type': type, vary: 'Accept' } });
    });

    it('has no body for HEAD, and the same headers', async () => {
      const { server } = await startDoor(door);
      await using _ = server;
      const got = await server.send('nobody.example.com');
      const head = await server.send('nobody.example.com', '/', {}, 'HEAD');
      expect(head).toMatchObject({ status: 404, body: '' });
      expect({ ...head.headers, date: '' }).toEqual({ ...got.headers, date: '' });
    });

    it('is reported to the application when something failed, and not when a client is refused', async () => {
      const { manager, server } = await startDoor(door);
      await using _ = server;
      for (const host of ['nobody.example.com', 'is-suspended.example.com', 'is-maintenance.example.com', 'x.org']) {
        await server.send(host);
      }
      expect(server.errors).toEqual([]);
      expect(manager.refusals.map(({ code }) => code)).toEqual([
        ...['TENANT_NOT_FOUND', 'TENANT_UNAVAILABLE', 'TENANT_UNAVAILABLE', 'TENANT_NOT_FOUND'],
      ]);
      manager.beforeLease = async () => fails(budget)();
      await server.send(ACME);
      expect(server.errors).toEqual([budget]);
    });

    it('drops what the handler had set for a response of its own, and keeps what was there before', async () => {
      const { server } = await startDoor(door, {
        headersBefore: { 'X-Request-Id': '7' },
        handler: ({ res }) => {
          res.setHeader('ETag', '"1"');
          throw budget;
        },
      });
      await using _ = server;
      const { status, headers } = await server.send(ACME);
      expect(status).toBe(503);
      expect(headers).toMatchObject({ 'x-request-id': '7', 'cache-control': 'no-store' });
      expect(headers).not.toHaveProperty('etag');
    });

    it.each([new Error('broken'), new WrongTenantError('House', 'acme', 'globex', 'acme')])(
      'is what the application hears of when it is a defect of the program: %p',
      async (error) => {
        const { manager, server } = await startDoor(door, { handler: fails(error) });
        await using _ = server;
        expect(await server.send(ACME)).toMatchObject({ status: 500, body: 'Internal Server Error' });
        expect(server.errors).toEqual([error]);
        await manager.allReleased();
      },
    );

    it('is what the application hears of when `authorize` throws something of its own', async () => {
      const broken = new Error('no memberships');
      const { server } = await startDoor(door, { options: { authorize: fails(broken) } });
      await using _ = server;
      expect((await server.send(ACME)).status).toBe(500);
      expect(server.errors).toEqual([broken]);
    });
  });

  describe('a tenant that may not be seen', () => {
    it.each(['GET', 'HEAD', 'POST'])('looks to the byte like one that does not exist, for %s', async (method) => {
      const { manager, server } = await startDoor(door, { options: { authorize: () => false } });
      await using _ = server;
      const bytesOf = async (id: string, accept: string): Promise<string> => {
        const lines = [`${method} / HTTP/1.1`, `Host: ${id}.example.com`, `Accept: ${accept}`, 'Connection: close'];
        return (await server.sendRaw(...lines)).replace(/^Date: .*$/im, 'Date: now');
      };
      for (const accept of ['application/json', 'text/html']) {
        const missing = await bytesOf('nobody', accept);
        expect(missing).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
        for (const id of ['acme', ...TENANT_STATUSES.map((status) => `is-${status}`)]) {
          expect(await bytesOf(id, accept)).toBe(missing);
        }
      }
      expect(manager.acquired).toBe(0);
    });
  });

  describe.each(TENANT_STATUSES)('a tenant that is %s', (status) => {
    const [read, write] = STATUSES[status];

    it(`is answered ${read} to who reads and ${write} to who writes`, async () => {
      const { server } = await startDoor(door, {
        options: { authorize: (ctx) => door.headerOf(ctx, 'X-User') === 'member' },
      });
      await using _ = server;
      const host = `is-${status}.example.com`;
      const member = { 'X-User': 'member' };
      expect((await server.send(host, '/', member)).status).toBe(read);
      expect((await server.send(host, '/', member, 'POST')).status).toBe(write);
      expect((await server.send(host)).status).toBe(404);
    });
  });
}

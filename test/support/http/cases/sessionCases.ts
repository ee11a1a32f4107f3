import { describe, expect, it } from '@jest/globals';
import type { DoorAdapter } from '../DoorAdapter.ts';
import { ACME, GLOBEX, startDoor } from './startDoor.ts';

export function sessionCases<C>(door: DoorAdapter<C>): void {
  /** Sessions in a store, named by a header where browsers have a cookie. */
  async function start() {
    const sessions = new Map<string, { user?: number; cookie?: object }>();
    const sessionOf = (id = '') => sessions.get(id);
    const { manager, server } = await startDoor(door, {
      options: { mode: 'either', session: (ctx) => sessionOf(door.headerOf(ctx, 'X-Session')) },
      handler: ({ path, header }) => {
        const session = sessionOf(header('X-Session'));
        if (path === '/login' && session !== undefined) {
          session.user = 5;
        }
        if (path === '/fail') {
          Object.assign(session ?? {}, { user: 5 });
          throw new Error('after the login');
        }
        return { body: `${session?.user ?? 'nobody'}` };
      },
    });
    sessions.set('s', {});
    const send = (host: string, path = '/') => server.send(host, path, { 'X-Session': 's' });
    return { manager, server, sessions, send };
  }

  describe('`session`', () => {
    it('lets a session be used where it was made, and refuses it for another tenant', async () => {
      const { manager, server, sessions, send } = await start();
      await using _ = server;
      expect((await send(ACME, '/login')).body).toBe('5');
      expect(sessions.get('s')).toEqual({ user: 5, tenancy: 'acme' });
      expect((await send(ACME)).body).toBe('5');
      const refused = await send(GLOBEX);
      const missing = await send('nobody.example.com');
      expect([refused.status, refused.body]).toEqual([404, missing.body]);
      expect(manager.refusals.map(({ code }) => code)).toEqual(['SESSION_OF_OTHER_TENANT', 'TENANT_NOT_FOUND']);
      expect(sessions.get('s')).toEqual({ user: 5, tenancy: 'acme' });
    });

    it('keeps sessions of pages without a tenant from tenants, and the other way round', async () => {
      const { manager, server, sessions, send } = await start();
      await using _ = server;
      await send('example.com', '/login');
      expect((await send('example.com')).body).toBe('5');
      expect((await send(ACME)).status).toBe(404);
      sessions.set('s', {});
      await send(ACME, '/login');
      expect((await send('example.com')).status).toBe(404);
      expect(manager.refusals.map(({ code }) => code)).toEqual(['SESSION_OF_OTHER_TENANT', 'SESSION_OF_OTHER_TENANT']);
    });

    it('refuses a session that says of no tenant that it was made for it, and has nothing against an empty one', async () => {
      const { server, sessions, send } = await start();
      await using _ = server;
      expect((await send(ACME)).body).toBe('nobody');
      expect(sessions.get('s')).toEqual({});
      sessions.set('s', { user: 5, cookie: {} });
      expect((await send(ACME)).status).toBe(404);
    });

    it('binds a session also when the handler throws', async () => {
      const { server, sessions, send } = await start();
      await using _ = server;
      expect((await send(ACME, '/fail')).status).toBe(500);
      expect(sessions.get('s')).toEqual({ user: 5, tenancy: 'acme' });
    });
  });
}

import { expect, it } from '@jest/globals';
import type { SecretStore } from 'mikro-orm-multitenancy';
import { serverUrl } from '../../support/databases.ts';
import { House } from '../../support/manager/TestTenants.ts';
import { describeWithPgBouncer } from '../../support/pgbouncer/describeWithPgBouncer.ts';
import { PgBouncer } from '../../support/pgbouncer/PgBouncer.ts';
import { LifeWorld } from '../../support/provisioning/LifeWorld.ts';

describeWithPgBouncer('tenants with roles of their own, through PgBouncer', () => {
  it('are who they are, each in its own database', async () => {
    await using pooler = await PgBouncer.start(serverUrl());
    await using world = await LifeWorld.create({ hasRoles: true });
    const kept = new Map<string, string>();
    // As a vault does from which PgBouncer gets its list of users.
    const secrets: SecretStore = {
      read: async (name) => kept.get(name),
      write: async (name, secret) => {
        kept.set(name, secret);
        const { user, passwords } = JSON.parse(secret) as { user: string; passwords: string[] };
        await pooler.allow(user, passwords[0] ?? '');
      },
      delete: async (name) => void kept.delete(name),
    };
    const server = { url: pooler.url, directUrl: serverUrl() };
    const manager = await world.manager({ server, rolesOptions: { secrets } });
    for (const id of ['acme', 'globex']) {
      await manager.provision({ id });
      const [row] = await manager.run(id, (em) =>
        em.execute<{ user: string; database: string }[]>('select session_user as user, current_database() as database'),
      );
      expect(row).toEqual({ user: expect.stringContaining(`_${id}_`), database: world.databaseOf(id) });
      expect(await manager.run(id, (em) => em.count(House))).toBe(0);
    }
    await manager.drop('acme');
    await manager.drop('globex');
    expect(await world.roleNames()).toEqual([`${world.roles}_group`]);
  }, 30_000);
});

import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import { type SecretStore, TenantOperationError, TenantOrmManager } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { openClient } from '../../../src/connections/openClient.ts';
import { NO_SESSION } from '../../../src/connections/SessionSettings.ts';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { OwnPostgres } from '../../support/faults/OwnPostgres.ts';
import { House, until } from '../../support/manager/TestTenants.ts';
import { type LifeManager, LifeWorld } from '../../support/provisioning/LifeWorld.ts';
import { LIFE_MIGRATIONS, lifeOptions, lifeProvisioning } from '../../support/provisioning/lifeOptions.ts';

const worldOfRoles = () => LifeWorld.create({ hasRoles: true });

const userOf = (manager: LifeManager, id: string): Promise<string> =>
  manager.run(id, async (em) => (await em.execute<{ user: string }[]>('select current_user as user'))[0]?.user ?? '');

/** A tenant that could not be connected is left alone for a moment. */
const untilItWorks = (manager: LifeManager, id: string): Promise<void> =>
  until(
    () =>
      manager
        .run(id, (em) => em.count(House))
        .then(
          () => true,
          () => false,
        ),
    `tenant "${id}" does not work`,
  );

/** A store that a test can look into. */
class OpenSecrets implements SecretStore {
  readonly secrets = new Map<string, string>();

  async read(name: string): Promise<string | undefined> {
    return this.secrets.get(name);
  }

  async write(name: string, secret: string): Promise<void> {
    this.secrets.set(name, secret);
  }

  async delete(name: string): Promise<void> {
    this.secrets.delete(name);
  }
}

/** One statement as the role of a tenant, in any database. */
async function asRole(secrets: OpenSecrets, id: string, database: string, text: string): Promise<unknown[]> {
  const { user, passwords } = JSON.parse(secrets.secrets.get(id) ?? '') as { user: string; passwords: string[] };
  const url = new URL(serverUrl());
  const [host, port] = [url.hostname, Number(url.port)];
  const client = new pg.Client({ host, port, user, password: passwords[0] ?? '', database });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

describe('a tenant with a role of its own', () => {
  it('connects as that role, nested as well, and as nobody else', async () => {
    await using world = await worldOfRoles();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await manager.provision({ id: 'globex' });
    const [acme, globex] = [await userOf(manager, 'acme'), await userOf(manager, 'globex')];
    expect(acme).toMatch(new RegExp(`^${world.roles}_acme_[0-9a-f]{8}$`));
    expect(globex).not.toBe(acme);
    await manager.run('acme', async (em) => {
      em.create(House, { address: 'Elm Street 1' });
      await em.flush();
      expect(await userOf(manager, 'globex')).toBe(globex);
      expect(await em.count(House)).toBe(1);
    });
    expect(await world.roleNames()).toEqual([acme, globex, `${world.roles}_group`].sort());
  });

  it('can reach neither another database nor a secret, and make nothing', async () => {
    await using world = await worldOfRoles();
    const secrets = new OpenSecrets();
    const manager = await world.manager({ rolesOptions: { secrets } });
    await manager.provision({ id: 'acme' });
    await manager.provision({ id: 'globex' });
    const own = world.databaseOf('acme');
    const denied = /permission denied|must be (?:owner|superuser)|not currently accepting connections/;
    expect(await asRole(secrets, 'acme', own, 'select count(*)::int as count from house')).toEqual([{ count: 0 }]);
    for (const database of [world.databaseOf('globex'), world.central]) {
      await expect(asRole(secrets, 'acme', database, 'select 1')).rejects.toThrow(denied);
    }
    for (const text of [
      'select * from pg_authid',
      'create table own_table (id int)',
      'create schema own_schema',
      'create database own_database',
      'create role own_role',
      'drop table house',
      'alter table house add column more int',
      `drop database "${world.databaseOf('globex')}"`,
      `alter role "${world.roles}_group" login`,
      'delete from mikro_orm_migrations',
      'set session authorization postgres',
      "copy house to program 'true'",
      'truncate house',
    ]) {
      await expect(asRole(secrets, 'acme', own, text)).rejects.toThrow(denied);
    }
    const template = (
      await adminQuery<{ name: string }>('select datname as name from pg_database where starts_with(datname, $1)', [
        `${await world.ownPrefix()}_template`,
      ])
    )[0]?.name;
    await expect(asRole(secrets, 'acme', template ?? '', 'select 1')).rejects.toThrow(denied);
  });

  it('works with tables of migrations that come later', async () => {
    await using world = await worldOfRoles();
    await (await world.manager()).provision({ id: 'acme' });
    class Migration003Door extends Migration {
      override up(): void {
        this.addSql('create table door (id serial primary key, colour text)');
        this.addSql('create schema attic');
        this.addSql('create table attic.box (id int)');
      }
    }
    const manager = await world.manager({ migrations: [...LIFE_MIGRATIONS, Migration003Door] });
    await manager.migrator('acme').up();
    await manager.run('acme', async (em) => {
      await em.execute("insert into door (colour) values ('green')");
      await em.execute('insert into attic.box values (1)');
      expect(await em.execute('select colour from door')).toEqual([{ colour: 'green' }]);
    });
  });

  it('is refused where the connection arrives as somebody else', async () => {
    const url = new URL(serverUrl());
    const address = { url: url.href, user: undefined, password: undefined, ssl: undefined, connectTimeoutMs: 5_000 };
    const target = { tenantId: 'acme', database: 'postgres', session: NO_SESSION };
    const wrong = openClient(address, { ...target, user: 'tenant_acme' });
    await expect(wrong).rejects.toThrow(/is one of the role ".*" instead of "tenant_acme"/);
    const right = await openClient(address, { ...target, user: decodeURIComponent(url.username) });
    await right.end();
  });

  it('has its limit and its settings', async () => {
    await using world = await worldOfRoles();
    const rolesOptions = { connectionLimit: 7, settings: { statement_timeout: '12s', 'app.name': "it's" } };
    const manager = await world.manager({ rolesOptions });
    await manager.provision({ id: 'acme' });
    const role = await userOf(manager, 'acme');
    const [row] = await adminQuery(
      'select rolconnlimit, rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = $1',
      [role],
    );
    expect(row).toEqual({ rolconnlimit: 7, rolsuper: false, rolcreatedb: false, rolcreaterole: false });
    const [settings] = await manager.run('acme', (em) =>
      em.execute("select current_setting('statement_timeout') as timeout, current_setting('app.name') as name"),
    );
    expect(settings).toEqual({ timeout: '12s', name: "it's" });
  });

  it('is refused without its secret, and never connected as somebody else', async () => {
    await using world = await worldOfRoles();
    const secrets = new OpenSecrets();
    const manager = await world.manager({ rolesOptions: { secrets } });
    await manager.provision({ id: 'acme' });
    await manager.provision({ id: 'globex' });
    const saved = secrets.secrets.get('acme') ?? '';
    secrets.secrets.delete('acme');
    const fresh = await world.manager({ rolesOptions: { secrets } });
    await expect(fresh.run('acme', (em) => em.count(House))).rejects.toMatchObject({ code: 'TENANT_SECRET_MISSING' });
    secrets.secrets.set('acme', secrets.secrets.get('globex') ?? '');
    const mixed = await world.manager({ rolesOptions: { secrets } });
    await expect(mixed.run('acme', (em) => em.count(House))).rejects.toThrow('permission denied for database');
    secrets.secrets.set('acme', 'no JSON at all');
    const broken = await world.manager({ rolesOptions: { secrets } });
    const failure = broken.run('acme', (em) => em.count(House));
    await expect(failure).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' });
    await expect(failure).rejects.not.toThrow('no JSON');
    secrets.secrets.set('acme', saved);
    await untilItWorks(broken, 'acme');
  });

  it('goes whole: no role and no secret is left', async () => {
    await using world = await worldOfRoles();
    const secrets = new OpenSecrets();
    const manager = await world.manager({ rolesOptions: { secrets } });
    await manager.provision({ id: 'acme' });
    await manager.drop('acme');
    expect(await world.roleNames()).toEqual([`${world.roles}_group`]);
    expect([...secrets.secrets]).toEqual([]);
    const seed = (): void => {
      throw new Error('no');
    };
    const failing = await world.manager({ rolesOptions: { secrets }, provisioning: { seed } });
    await expect(failing.provision({ id: 'acme' })).rejects.toThrow(TenantOperationError);
    expect(await world.roleNames()).toEqual([`${world.roles}_group`]);
    expect([...secrets.secrets]).toEqual([]);
    expect(await world.databases()).toEqual([]);
  });

  it('keeps its role when it is renamed, and another one that takes its old id gets another role', async () => {
    await using world = await worldOfRoles();
    const manager = await world.manager();
    await manager.provision({ id: 'acme', database: world.databaseOf('one') });
    const role = await userOf(manager, 'acme');
    await manager.rename('acme', 'acme-inc');
    expect(await userOf(manager, 'acme-inc')).toBe(role);
    await manager.provision({ id: 'acme' });
    expect(await userOf(manager, 'acme')).not.toBe(role);
    await manager.drop('acme-inc');
    expect(await userOf(manager, 'acme')).not.toBe(role);
  });

  it('comes from spares as well, and by a clone', async () => {
    await using world = await worldOfRoles();
    const manager = await world.manager({ provisioning: { spares: { min: 1, refill: false } } });
    await manager.fillSpares();
    await manager.provision({ id: 'acme' });
    await manager.run('acme', async (em) => {
      em.create(House, { address: 'Elm Street 1' });
      await em.flush();
    });
    await manager.clone('acme', { id: 'copy' });
    expect(await userOf(manager, 'copy')).not.toBe(await userOf(manager, 'acme'));
    expect(await manager.run('copy', (em) => em.count(House))).toBe(1);
  });

  it('is moved with its role and its password', async () => {
    await using other = await OwnPostgres.start({ max_connections: 100 });
    await using world = await LifeWorld.create({ hasRoles: true, otherUrl: other.url });
    const manager = await world.manager();
    await manager.provision({ id: 'acme', server: 'default' });
    const role = await userOf(manager, 'acme');
    await manager.move('acme', { to: 'other' });
    expect(await userOf(manager, 'acme')).toBe(role);
    expect(await world.roleNames(other.url)).toContain(role);
    await world.query('update tenancy_leftovers set drop_after = now()');
    await manager.prune();
    expect(await world.roleNames()).toEqual([`${world.roles}_group`]);
    expect(await userOf(manager, 'acme')).toBe(role);
  }, 60_000);

  it('gets a role where it had none', async () => {
    await using world = await worldOfRoles();
    const { central, url, prefix } = world.settings;
    const before = await TenantOrmManager.init(
      lifeOptions({ central, url, provisioning: lifeProvisioning({ central, url, prefix }) }),
    );
    await before.provision({ id: 'acme' });
    await before.close();
    const manager = await world.manager();
    await expect(manager.run('acme', (em) => em.count(House))).rejects.toMatchObject({ code: 'TENANT_SECRET_MISSING' });
    await manager.rotatePassword('acme');
    await untilItWorks(manager, 'acme');
    expect(await userOf(manager, 'acme')).toContain('_acme_');
    expect(await manager.run('acme', (em) => em.count(House))).toBe(1);
  });
});

describe('rotatePassword', () => {
  it('fails no request, in no process, while connections are opened all the time', async () => {
    await using world = await worldOfRoles();
    const server = { idleTimeoutMs: 5, maxConnections: 40, maxConnectionsPerTenant: 30 };
    const [manager, other] = [await world.manager({ server }), await world.manager({ server })];
    await manager.provision({ id: 'acme' });
    let isOver = false;
    const errors: unknown[] = [];
    let requests = 0;
    const client = async (of: LifeManager): Promise<void> => {
      while (!isOver) {
        try {
          await of.run('acme', (em) => em.count(House));
          requests += 1;
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
        } catch (error) {
          errors.push(error);
        }
      }
    };
    const clients = Array.from({ length: 32 }, (_, n) => client(n % 2 === 0 ? manager : other));
    for (let n = 0; n < 20; n += 1) {
      await manager.rotatePassword('acme');
    }
    isOver = true;
    await Promise.all(clients);
    expect(errors).toEqual([]);
    expect(requests).toBeGreaterThan(100);
  }, 60_000);

  it('leaves a tenant that works wherever it is cut off, and is finished by the next one', async () => {
    await using world = await worldOfRoles();
    const secrets = new OpenSecrets();
    const manager = await world.manager({ rolesOptions: { secrets } });
    await manager.provision({ id: 'acme' });
    const { write } = secrets;
    for (const [failsAt, isWritten] of [
      [1, false],
      // Before the server has the new password.
      [1, true],
      [2, false],
      [2, true],
    ] as const) {
      let writes = 0;
      secrets.write = async (name, secret) => {
        writes += 1;
        if (writes === failsAt) {
          await (isWritten ? write.call(secrets, name, secret) : undefined);
          throw new Error('the process is gone');
        }
        await write.call(secrets, name, secret);
      };
      await expect(manager.rotatePassword('acme')).rejects.toThrow('the process is gone');
      secrets.write = write.bind(secrets);
      const fresh = await world.manager({ rolesOptions: { secrets } });
      expect(await userOf(fresh, 'acme')).toContain('_acme_');
      await manager.rotatePassword('acme');
      const again = await world.manager({ rolesOptions: { secrets } });
      expect(await userOf(again, 'acme')).toContain('_acme_');
    }
  });

  it('needs roles', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await expect(manager.rotatePassword('acme')).rejects.toThrow('Give `roles`');
  });
});

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CliWorld } from '../../support/cli/CliWorld.ts';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { LifeWorld } from '../../support/provisioning/LifeWorld.ts';
import { lifeOptions, lifeProvisioning } from '../../support/provisioning/lifeOptions.ts';

describe('tenants, over a tenant’s life', () => {
  let life: LifeWorld;
  let world: CliWorld;

  beforeAll(async () => {
    life = await LifeWorld.create({ hasRoles: true });
    world = await CliWorld.create(0);
    globalThis.tenancyTestConfigs?.set(world.folder, {
      ...lifeOptions({
        ...life.settings,
        provisioning: { ...lifeProvisioning({ ...life.settings, hasSpares: true }) },
      }),
    });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await life[Symbol.asyncDispose]();
  });

  it('creates a tenant, and tells each step', async () => {
    const { code, stdout, stderr } = await world.run([
      'create',
      'acme',
      '--domain',
      'acme.com',
      '--metadata',
      'plan=pro',
    ]);
    expect([code, stdout]).toEqual([0, `acme: active in ${life.databaseOf('acme')} on default\n`]);
    expect(stderr).toMatch(/acme: provision: database \(\d+ ms\)\n/);
    expect(stderr).toMatch(/acme: provision: done\n/);
    const shown = (await world.run(['show', 'acme', '--json'])).json();
    expect(shown).toMatchObject({ domains: ['acme.com'], metadata: { plan: 'pro' } });
    const again = await world.run(['create', 'acme', '--json']);
    expect(again.code).toBe(1);
    expect(again.json()).toMatchObject({ error: { code: 'TENANT_CONFLICT', tenantId: 'acme' } });
  });

  it('clones, renames, and exports to a new file that nobody else reads', async () => {
    expect(await world.run(['clone', 'acme', 'acme-two'])).toMatchObject({ code: 0 });
    expect((await world.run(['rename', 'acme-two', 'next'])).stdout).toContain('acme-two: active');
    const file = join(world.folder, 'next.ndjson');
    expect(await world.run(['export', 'next', file])).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'utf8')).toContain('first house of acme');
    expect(statSync(file).mode & 0o077).toBe(0);
    const again = await world.run(['export', 'next', file]);
    expect(again).toMatchObject({ code: 1 });
    expect(again.stderr).toContain('EEXIST');
    expect((await world.run(['import', 'imported', file])).stdout).toContain('imported: active');
    writeFileSync(join(world.folder, 'bad.ndjson'), 'hello');
    expect((await world.run(['import', 'bad', join(world.folder, 'bad.ndjson')])).stderr).toContain('line 1');
    const failed = await world.run(['export', 'nobody', join(world.folder, 'nobody')]);
    expect(failed.code).toBe(1);
    expect(existsSync(join(world.folder, 'nobody'))).toBe(false);
  });

  it('archives, restores and prunes', async () => {
    expect((await world.run(['archive', 'next'])).code).toBe(2);
    expect((await world.run(['archive', 'next', '--keep', '30d', '--yes'])).stdout).toContain('next: archived');
    expect((await world.run(['prune', '--yes'])).stdout).toContain('Nothing was due.');
    expect((await world.run(['restore', 'next'])).stdout).toContain('next: active');
    expect((await world.run(['archive', 'next', '--keep', '0s', '--yes'])).code).toBe(0);
    expect((await world.run(['prune', '--yes'])).stdout).toContain('tenant next');
  });

  it('asks for the name of what it drops', async () => {
    const wrong = await world.run(['drop', 'imported'], { isTerminal: true, stdin: 'y\n' });
    expect(wrong).toMatchObject({ code: 0, stdout: '' });
    expect(wrong.stderr).toContain('Type its id to go on');
    expect(wrong.stderr).toContain('Nothing was changed.');
    const right = await world.run(['drop', 'imported'], { isTerminal: true, stdin: 'imported\n' });
    expect(right.stdout).toBe('imported: gone\n');
    expect(await adminQuery('select 1 from pg_database where datname = $1', [life.databaseOf('imported')])).toEqual([]);
    expect((await world.run(['drop', 'acme'])).code).toBe(2);
  });

  it('shows operations, and goes on with one that stands', async () => {
    const config = globalThis.tenancyTestConfigs?.get(world.folder) as { provisioning: object };
    const seed = (): void => {
      throw new Error('no bricks');
    };
    globalThis.tenancyTestConfigs?.set(world.folder, { ...config, provisioning: { ...config.provisioning, seed } });
    expect(await world.run(['create', 'globex', '--keep'])).toMatchObject({ code: 1 });
    globalThis.tenancyTestConfigs?.set(world.folder, config);
    const open = await world.run(['operations', '--open']);
    expect(open.stdout).toMatch(/globex +provision +failed .*seed: no bricks/);
    expect((await world.run(['operations', 'recover', '--json'])).json()).toEqual([]);
    expect((await world.run(['operations', 'resume', 'globex', '--json'])).json()).toMatchObject([{ state: 'done' }]);
    expect((await world.run(['operations', 'undo', 'globex', '--yes'])).stderr).toContain(
      'has no operation to take back',
    );
    expect((await world.run(['operations', 'globex', '--json'])).json()).toMatchObject([{ kind: 'provision' }]);
  });

  it('gives other passwords, and makes spares', async () => {
    expect((await world.run(['rotate', 'acme'])).stdout).toBe('acme: it has another password\n');
    expect((await world.run(['rotate'])).code).toBe(2);
    expect((await world.run(['rotate', '--all', '--json'])).json()).toEqual(['acme', 'globex']);
    expect((await world.run(['spares', '--json'])).json()).toEqual({ default: 2 });
    expect((await world.run(['secrets', 'reencrypt'])).stdout).toContain('0 encrypted by the key "k1"');
  });

  it('finds what is open', async () => {
    const findings = async () =>
      (await world.run(['doctor', '--json'])).json() as { is: string; about: string; what: string }[];
    expect((await findings()).filter(({ is }) => is === 'wrong')).toEqual([]);
    const [role] = await adminQuery<{ name: string }>('select rolname as name from pg_roles where rolname like $1', [
      `${life.roles}\\_acme\\_%`,
    ]);
    await adminQuery(`grant connect on database "${life.databaseOf('globex')}" to "${role?.name}"`);
    await adminQuery(`alter role "${role?.name}" createdb`);
    await adminQuery(`grant pg_read_all_data to "${role?.name}"`);
    await adminQuery(`grant connect on database "${life.central}" to public`);
    await adminQuery(`create role "${life.roles}_lost"`);
    const wrong = (await findings())
      .filter(({ is }) => is !== 'fine')
      .map(({ about, what }) => `${about}: ${what}`)
      .join('\n');
    expect(wrong).toContain(`may connect to ${life.databaseOf('globex')}`);
    expect(wrong).toContain('may do more than work with rows');
    expect(wrong).toContain('is a member of pg_read_all_data');
    expect(wrong).toContain(`every role may connect to "${life.central}"`);
    expect(wrong).toContain(`roles of no tenant: ${life.roles}_lost`);
    expect(new URL(serverUrl()).protocol).toBe('postgresql:');
  });
});

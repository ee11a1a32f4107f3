import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CliWorld } from '../../support/cli/CliWorld.ts';

describe('tenants', () => {
  let world: CliWorld;
  beforeAll(async () => {
    world = await CliWorld.create(3);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('lists the tenants, as lines and as JSON', async () => {
    const lines = await world.run(['list']);
    expect(lines).toMatchObject({ code: 0, stderr: '' });
    expect(lines.stdout).toMatch(/^TENANT +STATUS +SERVER +DATABASE/);
    expect(lines.stdout).toContain(`t01     active  default  ${world.fleet.databaseOf('t01')}`);
    const { code, json } = await world.run(['list', 't00', 't02', '--json']);
    expect(code).toBe(0);
    expect(json()).toMatchObject([
      { id: 't00', status: 'active', server: 'default', metadata: {} },
      { id: 't02', database: world.fleet.databaseOf('t02') },
    ]);
  });

  it('with no tenant to do anything for exits with 0', async () => {
    const none = await world.run(['list', '--status', 'archived', '--json']);
    expect(none).toMatchObject({ code: 0, stdout: '[]\n' });
    for (const args of [['migrate'], ['plan'], ['status'], ['exec', 'select 1']]) {
      const result = await world.run([...args, '--status', 'maintenance', '--json']);
      expect([args, result.code]).toEqual([args, 0]);
      expect(() => result.json()).not.toThrow();
    }
  });

  it('shows one tenant, and where its schema stands', async () => {
    const { code, stdout } = await world.run(['show', 't01']);
    expect(code).toBe(0);
    expect(stdout).toContain('behind');
    expect((await world.run(['show', 't01', '--json'])).json()).toMatchObject({
      id: 't01',
      schema: { state: 'behind', behindBy: 3 },
    });
    const nobody = await world.run(['show', 'nobody', '--json']);
    expect(nobody).toMatchObject({
      code: 1,
      stderr: 'error: Tenant "nobody" does not exist. Add it to the catalog first.\n',
    });
    expect(nobody.json()).toMatchObject({ error: { code: 'TENANT_NOT_FOUND', tenantId: 'nobody' } });
  });

  it('suspends and resumes, and asks before: on a terminal, and for --yes elsewhere', async () => {
    const asked = await world.run(['suspend', 't00', 't01']);
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain('add --yes');
    const no = await world.run(['suspend', 't00'], { isTerminal: true, stdin: 'n\n' });
    expect(no).toMatchObject({ code: 0, stdout: '' });
    expect(no.stderr).toContain('Nothing was changed.');
    expect(await world.run(['suspend', 't00', 't01', '--yes'])).toMatchObject({
      code: 0,
      stdout: 't00: suspended\nt01: suspended\n',
    });
    expect((await world.run(['list', '--status', 'suspended', '--json'])).json()).toHaveLength(2);
    const yes = await world.run(['readonly', 't00'], { isTerminal: true, stdin: 'y\n' });
    expect(yes).toMatchObject({ code: 0, stdout: 't00: readonly\n' });
    expect(await world.run(['maintenance', 't01', '--yes'])).toMatchObject({ stdout: 't01: maintenance\n' });
    expect(await world.run(['resume', 't00', 't01'])).toMatchObject({ code: 0, stdout: 't00: active\nt01: active\n' });
  });

  it('changes nobody where one of them is not to be changed', async () => {
    await world.fleet.ledger("update tenancy_tenants set status = 'archived' where id = 't02'");
    const refused = await world.run(['suspend', 't00', 't02', '--yes']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('Tenant "t02" is archived');
    expect((await world.run(['suspend', 't00', 'nobody', '--yes'])).code).toBe(1);
    expect((await world.run(['list', '--status', 'suspended', '--json'])).json()).toEqual([]);
    await world.fleet.ledger("update tenancy_tenants set status = 'active' where id = 't02'");
  });

  it('looks after domains', async () => {
    const added = await world.run(['domains', 'add', 't00', 'Acme.com', '--json']);
    expect(added.code).toBe(0);
    expect(added.json()).toMatchObject({ domain: 'acme.com', name: '_tenancy-challenge.acme.com', type: 'TXT' });
    await world.run(['domains', 'add', 't00', 'acme.org', '--verified']);
    expect((await world.run(['domains', 't00', '--json'])).json()).toMatchObject([
      { domain: 'acme.com', isPrimary: true },
      { domain: 'acme.org', isPrimary: false, verifiedAt: expect.any(String) },
    ]);
    expect((await world.run(['domains', 'primary', 't00', 'acme.org'])).stdout).toMatch(/acme\.org +primary/);
    expect((await world.run(['domains', 'remove', 't00', 'acme.com'])).code).toBe(2);
    expect((await world.run(['domains', 'remove', 't00', 'acme.com', '--yes', '--json'])).json()).toMatchObject([
      { domain: 'acme.org' },
    ]);
    expect((await world.run(['domains', 'add', 't01', 'acme.org', '--verified'])).stderr).toContain(
      'its domain is taken already',
    );
    expect(await world.run(['domains', 'add', 't01', 'not a domain', '--verified'])).toMatchObject({ code: 1 });
  });

  it('migrates the central database', async () => {
    expect(await world.run(['central', 'migrate'])).toMatchObject({ code: 0, stdout: 'Nothing was pending.\n' });
    expect((await world.run(['central', 'migrate', '--json'])).json()).toEqual([]);
  });

  it('finds what is wrong', async () => {
    const { code, json, stdout } = await world.run(['doctor', '--json']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('PostgreSQL')]);
    expect(json()).toContainEqual({ is: 'fine', about: 'central', what: 'no migration is pending' });
    expect(json()).toContainEqual({
      is: 'doubtful',
      about: 'tenants',
      what: expect.stringContaining('REVOKE CONNECT'),
    });
    await world.fleet.ledger("update tenancy_tenants set database_name = 'not_there' where id = 't02'");
    const sick = await world.run(['doctor']);
    expect(sick.code).toBe(1);
    expect(sick.stdout).toMatch(/ERROR +tenant t02 +its database "not_there" is missing/);
    await world.fleet.ledger("update tenancy_tenants set database_name = $1 where id = 't02'", [
      world.fleet.databaseOf('t02'),
    ]);
    expect(`${stdout}${sick.stdout}`).not.toContain('password');
  });

  it('says what it does not understand, and exits with 2', async () => {
    for (const [args, message] of [
      [['frobnicate'], "unknown command 'frobnicate'"],
      [['list', '--frob'], "unknown option '--frob'"],
      [['list', '--status', 'happy'], 'Allowed choices are'],
      [['list', '--metadata', 'plan'], 'plan=pro'],
      [['migrate', '--concurrency', '0'], 'whole number of at least 1'],
      [['migrate', '--lock-timeout', '3'], '500ms, 3s, 2min, 1h or 30d'],
      [['migrate', '--wave', '0%'], 'a percentage as 10%'],
      [['migrate', '--join', '1', '--retry', '2'], 'cannot be used with'],
      [['migrate', '--ask'], '--ask needs a terminal'],
      [['migrate', '--sql'], '--dry-run'],
      [['migrate', 't00', '--resume', '1'], 'name none'],
      [['migrate', '--concurrency', '60'], 'maxConnections'],
      [['list', '--config', 'missing.ts'], 'There is no'],
    ] as const) {
      const { code, stderr } = await world.run(args);
      expect([args, code === 2 || message === 'There is no']).toEqual([args, true]);
      expect(stderr).toContain(message);
    }
  });

  it('has help with examples for each command, and completion for three shells', async () => {
    const { code, stdout } = await world.run(['--help']);
    expect(code).toBe(0);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+)[ |]/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'tenants');
    expect(commands).toEqual(
      expect.arrayContaining(['list', 'migrate', 'rollback', 'doctor', 'shell', 'exec', 'completion']),
    );
    for (const command of new Set(commands)) {
      const help = await world.run([command, '--help']);
      expect([command, help.code]).toEqual([command, 0]);
      if (!['help', 'domains', 'central', 'operations', 'secrets'].includes(command)) {
        expect(help.stdout).toContain(`tenants ${command}`);
        expect(help.stdout).toContain('Example');
      }
    }
    for (const shell of ['bash', 'zsh', 'fish']) {
      const script = await world.run(['completion', shell]);
      expect([shell, script.code, script.stdout.includes('dry-run')]).toEqual([shell, 0, true]);
    }
  });
});

describe('the configuration', () => {
  it('is looked for where MikroORM looks for its own, and said to be missing', async () => {
    await using world = await CliWorld.create(0);
    world.write('other.mjs', 'export default 7;');
    const wrong = await world.run(['list', '--config', 'other.mjs']);
    expect(wrong.stderr).toContain('must export by default the options');
    expect((await world.run(['list'], { env: { TENANCY_CONFIG: 'other.mjs' } })).stderr).toContain('other.mjs');
    world.write('package.json', JSON.stringify({ tenancy: { configPaths: ['./other.mjs'] } }));
    expect((await world.run(['list'])).stderr).toContain('other.mjs');
    world.write('broken.mjs', 'throw new Error("no database today")');
    expect((await world.run(['list', '--config', 'broken.mjs'])).stderr).toContain(
      'could not be loaded: no database today',
    );
  });
});

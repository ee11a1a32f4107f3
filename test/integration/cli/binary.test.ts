import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { adminQuery, dropDatabase, serverUrl } from '../../support/databases.ts';
import { FleetWorld } from '../../support/fleet/FleetWorld.ts';

const SUPPORT = join(import.meta.dirname, '../../support');
const PROJECT = join(SUPPORT, 'cli/project');
const ROOT = join(SUPPORT, '../..');
const TENANTS = join(ROOT, 'src/cli/main.ts');
const MIKRO_ORM = join(ROOT, 'node_modules/@mikro-orm/cli/cli.js');
const node = (program: string, args: readonly string[]) => [
  ...['--disable-warning=ExperimentalWarning', '--import', join(SUPPORT, 'resolveSource.mjs'), program, ...args],
];

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const optionsOf = (world: FleetWorld) => ({
  cwd: PROJECT,
  env: {
    ...{ ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', TEST_DATABASE_URL: serverUrl(), TEST_CENTRAL: world.central },
    // Node.js loads TypeScript by itself, which MikroORM does not count on.
    MIKRO_ORM_CLI_PREFER_TS: '1',
  },
});

/** Runs a program in the project, in a process of its own. */
async function run(world: FleetWorld, program: string, args: readonly string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, node(program, args), optionsOf(world));
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

const hasHouses = async (world: FleetWorld, id: string): Promise<boolean> =>
  (await world.query(id, "select 1 from pg_tables where tablename = 'house'")).length > 0;

describe('the program `tenants`', () => {
  it('reads a configuration in TypeScript, and ends with its exit code and nothing left open', async () => {
    await using world = await FleetWorld.create(2);
    const listed = await run(world, TENANTS, ['list', '--json']);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(listed.stdout)).toMatchObject([{ id: 't00' }, { id: 't01' }]);
    expect(await run(world, TENANTS, ['migrate'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('2 changed'),
    });
    expect(await run(world, TENANTS, ['show', 'nobody'])).toMatchObject({ code: 1 });
    expect(await run(world, TENANTS, ['frobnicate'])).toMatchObject({ code: 2 });
    expect(await run(world, TENANTS, ['suspend', 't00'])).toMatchObject({ code: 2 });
    expect(await run(world, TENANTS, ['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  }, 60_000);

  it('finishes what is under way at the first Ctrl-C', async () => {
    await using world = await FleetWorld.create(4);
    const child: ChildProcess = spawn(
      process.execPath,
      node(TENANTS, ['migrate', '--concurrency', '1']),
      optionsOf(world),
    );
    let said = '';
    child.stderr?.on('data', (chunk) => {
      if (said === '') {
        child.kill('SIGINT');
      }
      said += String(chunk);
    });
    const [code] = await once(child, 'exit');
    expect(code).toBe(130);
    expect(said).toContain('What is under way is finished first.');
    expect(said).toContain('tenants migrate --resume 1');
    const [counts] = await world.ledger<{ running: string; pending: string }>(
      `select count(*) filter (where state = 'running') as running, count(*) filter (where state = 'pending') as pending
       from tenancy_fleet_items`,
    );
    expect(counts?.running).toBe('0');
    expect(Number(counts?.pending)).toBeGreaterThan(0);
  }, 60_000);
});

describe('MikroORM’s own command line', () => {
  it('works for one tenant, under its lock', async () => {
    await using world = await FleetWorld.create(2);
    const pending = await run(world, MIKRO_ORM, ['--contextName=tenant:t00', 'migration:pending']);
    expect(pending).toMatchObject({ code: 0, stdout: expect.stringContaining('Migration001House') });
    const both = await Promise.all(
      [1, 2].map(() => run(world, MIKRO_ORM, ['--contextName=tenant:t00', 'migration:up'])),
    );
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect([await hasHouses(world, 't00'), await hasHouses(world, 't01')]).toEqual([true, false]);
    const list = await run(world, MIKRO_ORM, ['--contextName=tenant:t00', 'migration:list']);
    expect(list.stdout).toContain('Migration001House');
    expect(await run(world, MIKRO_ORM, ['--contextName=tenant:t00', 'migration:down'])).toMatchObject({ code: 0 });
    expect(await hasHouses(world, 't00')).toBe(false);
  }, 60_000);

  it('refuses who is no tenant, and creates no database', async () => {
    await using world = await FleetWorld.create(1);
    const nobody = await run(world, MIKRO_ORM, ['--contextName=tenant:nobody', 'migration:up']);
    expect(nobody.code).toBe(1);
    expect(`${nobody.stdout}${nobody.stderr}`).toContain('Tenant "nobody" does not exist');
    const unsaid = await run(world, MIKRO_ORM, ['migration:up']);
    expect(`${unsaid.stdout}${unsaid.stderr}`).toContain('--contextName=tenant:acme');
    await dropDatabase(world.databaseOf('t00'));
    const missing = await run(world, MIKRO_ORM, ['--contextName=tenant:t00', 'migration:up']);
    expect(missing.code).toBe(1);
    expect(await adminQuery('select 1 from pg_database where datname = $1', [world.databaseOf('t00')])).toEqual([]);
  }, 60_000);
});

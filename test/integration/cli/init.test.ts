import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { CommandFolder, runTenants } from '../../support/cli/CommandFolder.ts';
import { type ExistingFramework, paste, writeExistingApplication } from '../../support/project/existingApplication.ts';
import { ScratchProject } from '../../support/project/ScratchProject.ts';

interface Printed {
  readonly files: readonly { readonly file: string; readonly is: string }[];
  readonly byHand: readonly { readonly title: string; readonly lines: readonly string[] }[];
}

const lineOf = (text: string, part: string): number => text.slice(0, text.indexOf(part)).split('\n').length;

describe('tenants init', () => {
  /** What becomes of all of them, for one compiler: most of its time goes into what they import. */
  const made = new ScratchProject();
  afterAll(() => made[Symbol.asyncDispose]());

  it.each<readonly [ExistingFramework, 'ts' | 'js']>([
    ['koa', 'ts'],
    ['koa', 'js'],
    ['express', 'ts'],
    ['fastify', 'ts'],
    ['hono', 'ts'],
    ['@nestjs/core', 'ts'],
  ])(
    'makes an application of one database one of tenants, with %s (.%s)',
    async (framework, extension) => {
      await using project = new ScratchProject();
      await writeExistingApplication(project, extension, framework);
      const folder = extension === 'ts' ? 'src/' : '';
      const before = { files: project.files(), app: project.read(`${folder}app.${extension}`) };

      // What only reads and writes files is no process of its own each time.
      const init = async (...args: string[]): Promise<Printed> =>
        (await runTenants(project.folder, ['init', '--json', ...args])).json() as Printed;
      const dry = await init('--dry-run');
      expect(dry.files.map(({ is }) => is)).toEqual(['to be written', 'kept', 'to be written']);
      expect(project.files()).toEqual(before.files);

      const mikroOrm = project.read(`${folder}mikro-orm.config.${extension}`);
      const done = JSON.parse((await project.tenants('init', '--json')).stdout) as Printed;
      expect(done.files).toEqual([
        { file: `${folder}tenancy.config.${extension}`, is: 'written' },
        { file: `${folder}mikro-orm.config.${extension}`, is: 'kept' },
        { file: `${folder}tenancy.${extension}`, is: 'written' },
      ]);
      expect(done.byHand).toEqual(dry.byHand);
      expect(done.byHand.map(({ title }) => title).join('\n')).toContain(
        `MikroORM.init, at ${folder}app.${extension}:${lineOf(before.app, 'MikroORM.init')}`,
      );
      expect(project.read(`${folder}mikro-orm.config.${extension}`)).toBe(mikroOrm);

      const lines = done.byHand.flatMap((step) => step.lines);
      project.write(`${folder}app.${extension}`, paste(before.app, lines));
      if (extension === 'ts') {
        cpSync(join(project.folder, 'src'), join(made.folder, framework), { recursive: true });
      }
      for (const line of lines.filter((text) => /^npx tenants (central|create)/.test(text))) {
        const { code, stderr } = await project.tenants(...line.split(' ').slice(2));
        expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      }
      await using app = await project.start(`${folder}app.${extension}`);
      expect(await app.ask('acme.localhost')).toEqual({
        status: 200,
        body: [{ id: 1, address: expect.stringMatching(/^(scratch_|tenancy_)/) }],
      });
      expect((await app.ask('globex.localhost')).status).toBe(404);

      const again = await init();
      expect(again.files.map(({ is }) => is)).toEqual(['kept', 'kept', 'kept']);
    },
    120_000,
  );

  it('makes applications that type-check', async () => {
    expect(made.files()).toEqual(expect.arrayContaining(['koa/app.ts', 'hono/tenancy.ts', '@nestjs/core/app.ts']));
    made.write('tsconfig.json', JSON.stringify({ extends: '../../tsconfig.json', include: ['**/*.ts'], exclude: [] }));
    expect(await made.typecheck()).toMatchObject({ stdout: '' });
  }, 60_000);

  it('writes what is missing where there is no MikroORM yet, and wants a project', async () => {
    using project = new CommandFolder();
    expect((await project.run('init')).code).toBe(2);
    project.write('package.json', JSON.stringify({ dependencies: { '@mikro-orm/core': '^7.2.0' } }));
    project.write('tsconfig.json', '{}');
    const { code, stdout } = await project.run('init');
    expect(code).toBe(0);
    expect(stdout).toContain('written: tenancy.config.ts\nwritten: mikro-orm.config.ts\n');
    expect(stdout).toContain('npm install mikro-orm-multitenancy @mikro-orm/postgresql @mikro-orm/migrations');
    expect(project.read('tenancy.config.ts')).toContain("central: { database: 'app_central' }");
    expect((await project.run('init')).stdout).toContain('kept as it is: tenancy.config.ts');
    expect(project.files()).toEqual(['mikro-orm.config.ts', 'package.json', 'tenancy.config.ts', 'tsconfig.json']);
  });

  it('lets `tenants` find what is compiled where files of TypeScript import ".js"', async () => {
    using project = new CommandFolder();
    project.write('package.json', JSON.stringify({ name: '@shops/house-shop', dependencies: { koa: '3.3.0' } }));
    project.write('tsconfig.json', '{ "compilerOptions": { "outDir": "./build", "rootDir": "src" } }');
    project.write(
      'src/mikro-orm.config.ts',
      "import { House } from './House.js';\nexport default { entities: [House] };\n",
    );
    const { stdout } = await project.run('init');
    expect(stdout).toContain('"tenancy": { "configPaths": ["./build/tenancy.config.js"] }');
    const config = project.read('src/tenancy.config.ts');
    expect(config).toContain("from './mikro-orm.config.js'");
    expect(config).toContain("central: { database: 'shops_house_shop_central' }");
    expect(project.read('src/tenancy.ts')).toContain("from './tenancy.config.js'");
  });

  it('names what stands in a NestJS application, whatever else its package.json declares', async () => {
    using project = new CommandFolder();
    const dependencies = { express: '5.3.0', koa: '3.3.0', '@nestjs/core': '11.2.10' };
    project.write('package.json', JSON.stringify({ dependencies }));
    project.write('tsconfig.json', '{}');
    project.write(
      'src/app.module.ts',
      '@Module({\n  imports: [MikroOrmModule.forRoot()],\n})\nexport class AppModule {}\n',
    );
    const { stdout } = await project.run('init');
    expect(stdout).toContain('Open the tenants in place of MikroOrmModule.forRoot, at src/app.module.ts:2:');
    expect(stdout).toContain("import { tenancyModule } from './tenancy.js';");
    expect(stdout).toContain('app.enableShutdownHooks();');
    expect(project.read('src/tenancy.ts')).toContain("from 'mikro-orm-multitenancy/nestjs'");
    expect(stdout).not.toMatch(/openTenancy|mikro-orm-multitenancy\/(?:koa|express)/);
  });

  it('has lines for any other program where it knows no framework of it', async () => {
    using project = new CommandFolder();
    project.write('package.json', JSON.stringify({ type: 'module', dependencies: { hapi: '1.0.0' } }));
    const { stdout } = await project.run('init');
    expect(stdout).toContain('const manager = await TenantOrmManager.init(config);');
    expect(project.files()).toEqual(['mikro-orm.config.js', 'package.json', 'tenancy.config.js']);
  });

  it('writes no second middleware beside one that is there', async () => {
    using project = new CommandFolder();
    project.write('package.json', JSON.stringify({ type: 'module', dependencies: { koa: '3.3.0' } }));
    project.write('app.js', "import Koa from 'koa';\nimport { tenancy } from 'mikro-orm-multitenancy/koa';\n");
    const { stdout } = await project.run('init');
    expect(stdout).toContain('not needed: tenancy.js, as app.js:2 has it');
    expect(stdout).not.toContain('openTenancy');
    expect(project.files()).toEqual(['app.js', 'mikro-orm.config.js', 'package.json', 'tenancy.config.js']);
  });
});

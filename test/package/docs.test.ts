import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adminQuery, createDatabase, dropDatabase, uniqueName } from '../support/databases.ts';
import { codeBlocks, deadLinks, placeholders, ROOT } from '../support/docs.ts';
import { StartedProgram } from '../support/project/StartedProgram.ts';

const blocks = codeBlocks();
let folder = '';

beforeAll(() => {
  // Inside the repository, so that packages resolve as they do for its own code.
  mkdirSync(join(ROOT, 'coverage'), { recursive: true });
  folder = mkdtempSync(join(ROOT, 'coverage', 'docs-'));
  writeFileSync(join(folder, 'manager.ts'), "export { House, manager } from '../../test/support/docs.manager.ts';\n");
  writeFileSync(join(folder, 'central.ts'), "export * from '../../test/support/docs.central.ts';\n");
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', include: ['**/*.ts'], exclude: [] }),
  );
  // Where a page builds a project, the last block of a file is the one that the others go with.
  for (const { name, page, file, code } of blocks) {
    const path = join(folder, file === undefined ? `${name}.ts` : join(page.replace('.md', ''), file));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, code);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the documentation', () => {
  it('has code on every page that promises some', () => {
    expect(blocks.length).toBeGreaterThan(10);
    expect(blocks.filter(({ isProgram }) => isProgram).length).toBeGreaterThan(0);
  });

  it('has no link of its own that leads nowhere', () => {
    expect(deadLinks()).toEqual([]);
  });

  it('has no place that is still to be filled in', () => {
    expect(placeholders()).toEqual([]);
  });

  it('type-checks', async () => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error) => error);
    expect(stdout).toBe('');
  }, 60_000);

  it("begins with a program that runs, and keeps two tenants' houses apart", async () => {
    const [acme, globex] = [uniqueName('readme_acme'), uniqueName('readme_globex')];
    await Promise.all([createDatabase(acme), createDatabase(globex)]);
    const program = blocks.find(({ isProgram }) => isProgram)?.code ?? '';
    const file = join(folder, 'first-program.ts');
    // Only the databases get names of this run.
    const own = program
      .replace("database: 'acme'", `database: '${acme}'`)
      .replace("database: 'globex'", `database: '${globex}'`);
    writeFileSync(file, own);
    try {
      await using program = await StartedProgram.start(file, ROOT);
      await adminQuery("insert into house (address) values ('1 Acme Street')", [], acme);
      expect((await program.ask('acme.localhost')).body).toEqual([{ id: 1, address: '1 Acme Street' }]);
      expect((await program.ask('globex.localhost')).body).toEqual([]);
    } finally {
      await Promise.all([dropDatabase(acme), dropDatabase(globex)]);
    }
  }, 60_000);
});

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adminQuery, dropDatabase, uniqueName } from '../support/databases.ts';
import { codeBlocks, ROOT } from '../support/docs.ts';
import { endedProgram } from '../support/project/endedProgram.ts';

const defects = codeBlocks().filter(({ isDefect }) => isDefect);
const prefix = uniqueName('upstream');
let folder = '';

beforeAll(() => {
  mkdirSync(join(ROOT, 'coverage'), { recursive: true });
  folder = mkdtempSync(join(ROOT, 'coverage', 'upstream-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  const left = 'select datname from pg_database where starts_with(datname, $1)';
  for (const { datname } of await adminQuery<{ datname: string }>(left, [prefix])) {
    await dropDatabase(datname);
  }
});

/** Once one of these fails, the defect may be mended upstream: then our workaround and the report can go. */
describe('a defect that we work around', () => {
  it.each(defects.map(({ heading, code }) => [heading, code] as const))(
    'is there: %s',
    async (_heading, code) => {
      const file = join(folder, `defect-${defects.findIndex((one) => one.code === code)}.ts`);
      writeFileSync(file, code.replaceAll('upstream_', `${prefix}_`));
      expect(await endedProgram(file, folder)).toMatchObject({ code: 0, stderr: '' });
    },
    60_000,
  );
});

it('has our workaround where its report says', () => {
  const page = readFileSync(join(ROOT, 'docs/upstream.md'), 'utf8');
  const named = [...page.matchAll(/`(src\/[^`]+)`/g)].map(([, file = '']) => file);
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT } from '../support/docs.ts';

const foldersOf = (path: string): string[] =>
  readdirSync(join(ROOT, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

/** What stands between backticks in the first cells of the table, or in the text, below a heading. */
function named(file: string, heading: string, pattern: RegExp): string[] {
  const [, below = ''] = readFileSync(join(ROOT, file), 'utf8').split(`\n## ${heading}\n`);
  const [section = ''] = below.split('\n## ', 1);
  return [...section.matchAll(pattern)].flatMap(([cell]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
}

describe('the lists of parts', () => {
  it('name every folder of the sources, and no other', () => {
    const folders = named('CONTRIBUTING.md', 'The parts', /^\| (?!folder)`[^|]*\|/gm);
    expect(folders.sort()).toEqual(foldersOf('src'));
  });

  it('name every folder of the tests, and no other', () => {
    const folders = named('CONTRIBUTING.md', 'The parts', /^Folders of(?:.|\n)*$/gm).map((name) =>
      name.replace('test/', ''),
    );
    expect(folders.sort()).toEqual(foldersOf('test'));
  });

  it('name every entry point of the package', () => {
    const entries = Object.keys(manifest.exports).filter((name) => name !== '.' && name !== './package.json');
    const parts = named('README.md', 'The parts', /^\| `[^|]*\|/gm).map((name) =>
      name.replace(/^(?:mikro-orm-multitenancy|…)\//, './'),
    );
    expect(entries.filter((name) => !parts.includes(name))).toEqual([]);
  });
});

// Writes docs/api.md; with --check it writes nothing, and fails where the page is not what it would be.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiPage } from './api/apiPage.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const file = join(root, 'docs/api.md');
const { page, undocumented } = apiPage(root);
if (undocumented.length > 0) {
  console.error(`Exports without a docstring:\n${undocumented.join('\n')}`);
  process.exitCode = 1;
}
if (!process.argv.includes('--check')) {
  writeFileSync(file, page);
} else if (readFileSync(file, 'utf8') !== page) {
  console.error('docs/api.md is not what the docstrings say: run `npm run docs:api` and commit it.');
  process.exitCode = 1;
}

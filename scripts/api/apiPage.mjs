import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Declarations } from './Declarations.mjs';

const HEADINGS = { class: 'Classes', function: 'Functions', value: 'Values', type: 'Types' };

/** The page of the API of the package in `root`, and the exports of which nothing is said. */
export function apiPage(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), 'tenancy-api-'));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [
      ...[tsc, '-p', join(root, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', folder],
      ...['--declarationMap', 'false', '--sourceMap', 'false'],
    ]);
    const declarations = new Declarations();
    const entries = Object.entries(manifest.exports)
      .filter(([, target]) => target.types !== undefined)
      .map(([entry, { types }]) => ({
        name: manifest.name + entry.slice(1),
        exports: declarations.exportsOf(join(folder, types.replace(/^\.\/dist\//, ''))),
      }));
    return { page: pageOf(entries), undocumented: entries.flatMap(undocumentedOf) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function undocumentedOf({ name, exports }) {
  return exports.filter(({ docs }) => docs === '').map((one) => `${name}: ${one.name}`);
}

function pageOf(entries) {
  return `${[
    '# API',
    'Made of the docstrings by `npm run docs:api`; what is said here is said there. How things work together is told by the [other pages](README.md).',
    entries.map(({ name, exports }) => `- [\`${name}\`](#${anchorOf(name)}): ${exports.length} exports`).join('\n'),
    ...entries.flatMap(sectionOf),
  ].join('\n\n')}\n`;
}

function sectionOf({ name, exports }) {
  return [
    `## ${name}`,
    ...Object.entries(HEADINGS).flatMap(([kind, heading]) => {
      const ones = exports.filter((one) => one.kind === kind).sort((a, b) => (a.name < b.name ? -1 : 1));
      return ones.length === 0 ? [] : [`### ${heading} of ${name}`, ...ones.flatMap(entryOf)];
    }),
  ];
}

// "typescript" and not "ts": a declaration is no block of code that is checked by itself.
function entryOf({ name, docs, text }) {
  return [`#### ${name}`, proseOf(docs), `\`\`\`typescript\n${text}\n\`\`\``].filter((part) => part !== '');
}

/** A link of a docstring names something that may be anywhere; a lone `@tag` would read as somebody's name. */
function proseOf(docs) {
  return docs.replace(/\{@link ([^}]+)\}/g, '`$1`').replace(/^@(\w+)\s?/gm, '_$1:_ ');
}

function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}

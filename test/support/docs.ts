import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface CodeBlock {
  /** `docs-koa-2`: the page and the place of the block on it. */
  readonly name: string;
  readonly page: string;
  /** What the block is under. */
  readonly heading: string;
  readonly code: string;
  /** `src/app.ts`, where the first line says that the block is this file of the project that its page builds. */
  readonly file: string | undefined;
  /** Marked with `run`: not only type-checked. */
  readonly isProgram: boolean;
  /** Marked with `upstream`: a program that fails once the defect that it shows is no more. */
  readonly isDefect: boolean;
}

export const ROOT = join(import.meta.dirname, '../..');

const pages = (): string[] =>
  globSync(['README.md', 'docs/*.md', 'example-koa/README.md', 'bench/README.md'], { cwd: ROOT });
const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** Every TypeScript block of the README and the docs. */
export function codeBlocks(): CodeBlock[] {
  return pages().flatMap((page) => {
    const text = textOf(page);
    const found = text.matchAll(/^```ts( run| upstream)?\n(.*?)^```$/gms);
    return [...found].map(({ index: at, 1: mark, 2: code = '' }, index) => ({
      name: `${page.replace('.md', '').replaceAll('/', '-')}-${index + 1}`,
      page,
      heading:
        text
          .slice(0, at)
          .match(/^#+ .*$/gm)
          ?.at(-1)
          ?.replace(/^#+ /, '') ?? '',
      code,
      file: /^\/\/ (src\/\S+\.ts)\n/.exec(code)?.[1],
      isProgram: mark === ' run',
      isDefect: mark === ' upstream',
    }));
  });
}

/** Links between the pages, and to files of the repository, whose file or heading is not there. */
export function deadLinks(): string[] {
  return pages().flatMap((page) => {
    const prose = textOf(page).replace(/^```.*?^```$/gms, '');
    return [...prose.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(([, path = '', anchor]) => {
      const file = path === '' ? page : join(dirname(page), path);
      const isThere =
        existsSync(join(ROOT, file)) && (anchor === undefined || (file.endsWith('.md') && anchorsOf(file).has(anchor)));
      return isThere ? [] : [`${page}: ${path}${anchor === undefined ? '' : `#${anchor}`}`];
    });
  });
}

/** Places that somebody meant to fill in. */
export function placeholders(): string[] {
  return pages().flatMap((page) =>
    [...textOf(page).matchAll(/@@\w+@@|\b(?:TODO|TBD|FIXME)\b/g)].map(([at]) => `${page}: ${at}`),
  );
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): Set<string> {
  const headings = textOf(page)
    .replace(/^```.*?^```$/gms, '')
    .matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

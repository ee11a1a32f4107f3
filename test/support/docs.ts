import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

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

/** Every TypeScript block of the README and the docs. */
export function codeBlocks(): CodeBlock[] {
  const pages = globSync(['README.md', 'docs/*.md', 'example-koa/README.md', 'bench/README.md'], { cwd: ROOT });
  return pages.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
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

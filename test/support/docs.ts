import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CodeBlock {
  /** `docs-koa-2`: the page and the place of the block on it. */
  readonly name: string;
  readonly code: string;
  /** Marked with `run`: not only type-checked. */
  readonly isProgram: boolean;
}

export const ROOT = join(import.meta.dirname, '../..');

/** Every TypeScript block of the README and the docs. */
export function codeBlocks(): CodeBlock[] {
  const pages = globSync(['README.md', 'docs/*.md', 'example-koa/README.md', 'bench/README.md'], { cwd: ROOT });
  return pages.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    return [...text.matchAll(/^```ts( run)?\n(.*?)^```$/gms)].map(([, run, code = ''], index) => ({
      name: `${page.replace('.md', '').replaceAll('/', '-')}-${index + 1}`,
      code,
      isProgram: run !== undefined,
    }));
  });
}

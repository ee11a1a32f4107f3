import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ROOT } from '../support/docs.ts';
import { ScratchProject } from '../support/project/ScratchProject.ts';
import type { StartedProgram } from '../support/project/StartedProgram.ts';

/** What the reader does, in the order of the page: puts a block into a file, or enters a line. */
type Step =
  | { readonly is: 'file'; readonly file: string; readonly text: string }
  | { readonly is: 'line'; readonly line: string };

const PAGE = readFileSync(join(ROOT, 'docs/getting-started.md'), 'utf8');
const STEPS = [...PAGE.matchAll(/^```(ts|sh)\n(.*?)^```$/gms)].flatMap(([, kind, text = '']): Step[] =>
  kind === 'ts'
    ? [{ is: 'file', file: /^\/\/ (\S+)/.exec(text)?.[1] ?? '', text }]
    : text
        .trim()
        .split('\n')
        .map((line) => ({ is: 'line', line })),
);

describe('the page about getting started', () => {
  it('leads from an empty folder to tenants, step by step', async () => {
    await using project = new ScratchProject();
    await project.createDatabase();
    project.write('package.json', JSON.stringify({ name: project.name, private: true, type: 'module' }));
    await using running = new AsyncDisposableStack();
    let app: StartedProgram | undefined;
    const enter = async (line: string): Promise<void> => {
      const [command = '', expected] = line.split(' # ');
      const [program = '', ...words] = command.split(' ');
      if (program === 'curl') {
        const { hostname, pathname } = new URL(words.at(-1) ?? '');
        const body = /-d '([^']*)'/.exec(command)?.[1];
        const answer = await app?.ask(hostname, pathname, body === undefined ? undefined : JSON.parse(body));
        expect({ line, body: answer?.body }).toEqual({ line, body: JSON.parse(expected ?? 'null') });
      } else if (command === 'node src/app.ts') {
        await app?.[Symbol.asyncDispose]();
        app = running.use(await project.start('src/app.ts'));
      } else if (program === 'node' || command.startsWith('npx tenants ')) {
        const ended = await (program === 'node'
          ? project.run(...(words as [string]))
          : project.tenants(...words.slice(1)));
        // `doctor` warns of what the server of the tests is: everybody is a superuser there.
        const isFine = ended.code === 0 || words[1] === 'doctor';
        expect({ line, stderr: isFine ? '' : ended.stderr }).toEqual({ line, stderr: '' });
      } else {
        // Packages are those of this repository, and the server is the one of the tests.
        expect(line).toMatch(/^(docker run|mkdir|npm install|export DATABASE_URL=)/);
      }
    };
    for (const step of STEPS) {
      if (step.is === 'file') {
        project.write(step.file, step.text.replaceAll('house_shop', project.name));
      } else {
        await enter(step.line);
      }
    }
    expect((await app?.ask('first.localhost', '/houses'))?.body).toEqual([]);
    expect((await app?.ask('localhost', '/sign-up', { id: 'acme' }))?.status).toBe(409);
  }, 300_000);
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import type { StepByHand } from '../init/frameworks.ts';
import { type InitFile, initFiles } from '../init/initFiles.ts';
import { Project } from '../init/Project.ts';
import { stepsByHand } from '../init/stepsByHand.ts';
import type { CliOf } from '../program.ts';

interface Written {
  readonly file: string;
  readonly is: 'written' | 'kept' | 'to be written' | 'not needed';
  /** What there is in place of it. */
  readonly insteadOf?: string | undefined;
}

export function addInit(program: Command, cliOf: CliOf): void {
  program
    .command('init')
    .description('put the files for tenants into a project that uses MikroORM; what is there is kept')
    .option('--dry-run', 'say what would be written, and write nothing')
    .addHelpText('after', '\nExamples:\n  npx tenants init --dry-run\n  npx tenants init')
    .action(({ dryRun = false }: { readonly dryRun?: boolean }, command: Command) =>
      cliOf(command, async (cli) => {
        const project = new Project(cli.io.cwd);
        const { config, mikroOrm, middleware } = initFiles(project);
        // What is left to do is that of the project as it was, before it got these files.
        const byHand = stepsByHand(project, config.file, middleware);
        const files = [config, mikroOrm, middleware]
          .filter((file) => file !== undefined)
          .map((file) => write(project, file, dryRun));
        cli.output.result({ files, missing: project.missingPackages, byHand }, [
          ...files.map(lineOf),
          '',
          'What is left to do:',
          ...byHand.flatMap(inLines),
        ]);
      }),
    );
}

function write(project: Project, { file, text, insteadOf }: InitFile, isDryRun: boolean): Written {
  if (insteadOf !== undefined) {
    return { file, is: 'not needed', insteadOf };
  }
  if (project.has(file)) {
    return { file, is: 'kept' };
  }
  if (isDryRun) {
    return { file, is: 'to be written' };
  }
  const path = join(project.folder, file);
  mkdirSync(dirname(path), { recursive: true });
  // Fails where somebody has made it meanwhile.
  writeFileSync(path, text, { flag: 'wx' });
  return { file, is: 'written' };
}

function lineOf({ file, is, insteadOf }: Written): string {
  switch (is) {
    case 'written':
      return `written: ${file}`;
    case 'to be written':
      return `would be written: ${file}`;
    case 'kept':
      return `kept as it is: ${file}`;
    case 'not needed':
      return `not needed: ${file}, as ${insteadOf} has it`;
  }
}

function inLines({ title, lines }: StepByHand, index: number): string[] {
  return [`${index + 1}. ${title}${lines.length === 0 ? '.' : ':'}`, ...lines.map((line) => `     ${line}`)];
}

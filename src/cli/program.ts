import { Command } from 'commander';
import type { Cli, GlobalOptions } from './Cli.ts';
import { addCentral } from './commands/central.ts';
import { addCompletion } from './commands/completion.ts';
import { addCreate } from './commands/create.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDomains } from './commands/domains.ts';
import { addExec } from './commands/exec.ts';
import { addExport } from './commands/export.ts';
import { addInit } from './commands/init.ts';
import { addLife } from './commands/life.ts';
import { addList } from './commands/list.ts';
import { addMigrate } from './commands/migrate.ts';
import { addOperations } from './commands/operations.ts';
import { addPlan } from './commands/plan.ts';
import { addRollback } from './commands/rollback.ts';
import { addRun } from './commands/run.ts';
import { addRuns } from './commands/runs.ts';
import { addSecrets } from './commands/secrets.ts';
import { addSeed } from './commands/seed.ts';
import { addShell } from './commands/shell.ts';
import { addShow } from './commands/show.ts';
import { addStatus } from './commands/status.ts';
import { addStatuses } from './commands/statuses.ts';

/** Runs a command with what it needs. It gives its exit code, or nothing for 0. */
export type CliOf = (command: Command, work: (cli: Cli) => Promise<unknown>) => Promise<void>;

export function programOf(version: string, cliOf: CliOf): Command {
  const program = new Command('tenants')
    .description('Tenants, each with a database of its own: list, migrate and look after them.')
    .version(version)
    .option('--config <file>', 'the configuration; tenancy.config.ts by default')
    .option('--json', 'print results as JSON')
    .option('--yes', 'do what would be asked about')
    .showHelpAfterError('Look at `tenants --help`.')
    .addHelpText('after', HELP);
  for (const add of [
    ...[addInit, addList, addShow, addStatuses, addDomains, addCentral],
    ...[addCreate, addLife, addExport, addOperations, addSecrets],
    ...[addMigrate, addPlan, addStatus, addRuns, addRollback],
    ...[addRun, addExec, addSeed, addShell, addDoctor, addCompletion],
  ]) {
    add(program, cliOf);
  }
  return program;
}

export const globalsOf = (command: Command): GlobalOptions => command.optsWithGlobals();

const HELP = `
Exit codes: 0 done, also where there was no tenant; 1 something failed; 2 not understood; 130 interrupted.

Examples:
  tenants list
  tenants status --behind
  tenants migrate --wave 1% --wave rest
  tenants migrate --help`;

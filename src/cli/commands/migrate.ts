import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { FleetMigrateOptions, FleetPlanOptions, FleetWorkOptions } from '../../migrations/fleet/FleetOptions.ts';
import type { FleetReport } from '../../migrations/fleet/FleetRun.ts';
import { type FleetWave, waveShape } from '../../migrations/fleet/waves.ts';
import type { TenantOrmManager } from '../../TenantOrmManager.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import type { Cli } from '../Cli.ts';
import { UsageError } from '../CliIo.ts';
import { endOf, reportLines } from '../fleetReport.ts';
import { CONCURRENCY_OPTION, fleetWork } from '../fleetWork.ts';
import type { CliOf } from '../program.ts';
import { addSelection, atLeast, milliseconds, type SelectionOptions, selectionOf } from '../selection.ts';
import { roomFor } from '../withReserve.ts';
import { planLines } from './plan.ts';

interface MigrateOptions extends SelectionOptions {
  readonly behind?: boolean;
  readonly to?: string;
  readonly wave?: readonly FleetWave[];
  readonly pause?: number;
  readonly ask?: boolean;
  readonly concurrency?: number;
  readonly stopAfter?: number;
  readonly attempts?: number;
  readonly lockTimeout?: number;
  readonly statementTimeout?: number;
  readonly by?: string;
  readonly dryRun?: boolean;
  readonly sql?: boolean;
  readonly join?: string;
  readonly resume?: string;
  readonly retry?: string;
}

const EXAMPLES = `
Examples:
  tenants migrate                                    every tenant, up to four at a time
  tenants migrate acme globex --to Migration002      two of them, up to a migration
  tenants migrate --wave acme --wave 10% --ask       a canary, then 10 %, then the rest, with a question in between
  tenants migrate --dry-run --sql                    what it would do
  tenants migrate --join 17                          take part in run 17, on any machine
  tenants migrate --retry 17                         try those once more that failed`;

export function addMigrate(program: Command, cliOf: CliOf): void {
  addSelection(program.command('migrate').description('apply what tenants lack, as a run that is written down'))
    .option('--behind', 'only tenants that lack something, which asks each of their databases first')
    .option('--to <migration>', 'the last migration to apply')
    .option(
      '--wave <tenants>',
      "a wave: ids with commas between, a percentage, or 'rest'; may be given several times",
      wave,
    )
    .option('--pause <time>', 'how long to wait between two waves, as 5min', milliseconds)
    .option('--ask', 'ask before each wave but the first')
    .option('--concurrency <n>', CONCURRENCY_OPTION, atLeast(1))
    .option('--stop-after <n>', 'stop once so many tenants have failed', atLeast(1))
    .option('--attempts <n>', 'how often to try a tenant whose error may pass', atLeast(1))
    .option('--lock-timeout <time>', 'how long a statement may wait for a lock, as 3s', milliseconds)
    .option('--statement-timeout <time>', 'how long a statement may take, as 10min', milliseconds)
    .option('--by <name>', 'who does it, for the ledger; the user by default')
    .option('--dry-run', 'print the plan, and change nothing')
    .option('--sql', 'with --dry-run: the statements as well')
    .addOption(new Option('--join <run>', 'take part in a run that is under way').conflicts(['resume', 'retry']))
    .addOption(new Option('--resume <run>', 'go on with a run').conflicts(['retry']))
    .option('--retry <run>', 'try those of a run once more that failed')
    .addHelpText('after', EXAMPLES)
    .action((ids: string[], options: MigrateOptions, command: Command) =>
      cliOf(command, (cli) => migrate(cli, ids, options)),
    );
}

async function migrate(cli: Cli, ids: readonly string[], options: MigrateOptions): Promise<number> {
  const { join, resume, retry, ask, dryRun, sql } = options;
  if (ask === true && !cli.isInteractive) {
    throw new UsageError('--ask needs a terminal. Stop between waves with --pause, or go on by --resume.');
  }
  if (sql === true && dryRun !== true) {
    throw new UsageError('--sql belongs to --dry-run.');
  }
  const run = join ?? resume ?? retry;
  if (run !== undefined && ids.length > 0) {
    throw new UsageError('A run that exists has its tenants; name none.');
  }
  return cli.withManager(async (manager) => {
    if (dryRun === true) {
      const plan = await manager.fleet.plan({ ...planOptions(ids, options), sql: sql === true });
      cli.output.result(plan, planLines(plan));
      return 0;
    }
    const { work, end } = fleetWork(cli, options);
    const report = await started(manager, ids, options, work).finally(end);
    cli.output.result(report, reportLines(report));
    return endOf(cli, report);
  }, roomFor(options.concurrency));
}

function started(
  { fleet }: TenantOrmManager<Tenant>,
  ids: readonly string[],
  options: MigrateOptions,
  work: FleetWorkOptions,
): Promise<FleetReport> {
  const { join, resume, retry } = options;
  if (join !== undefined) {
    return fleet.join(join, work);
  }
  if (resume !== undefined) {
    return fleet.resume(resume, work);
  }
  return retry === undefined
    ? fleet.migrate({ ...planOptions(ids, options), ...runOptions(options), ...work })
    : fleet.retry(retry, work);
}

function planOptions(ids: readonly string[], options: MigrateOptions): FleetPlanOptions {
  const { behind = false, to, wave: waves } = options;
  return { ...selectionOf(ids, options), behind, to, waves };
}

function runOptions(options: MigrateOptions): FleetMigrateOptions {
  const { stopAfter, attempts, lockTimeout, statementTimeout, pause, by } = options;
  return {
    ...{ stopAfterFailures: stopAfter, attempts, lockTimeoutMs: lockTimeout, statementTimeoutMs: statementTimeout },
    ...{ pauseMs: pause, by: by ?? userInfo().username },
  };
}

function wave(value: string, before: readonly FleetWave[] = []): FleetWave[] {
  const given = value === 'rest' || value.endsWith('%') ? value : value.split(',');
  const parsed = waveShape.safeParse(given);
  if (!parsed.success) {
    throw new InvalidArgumentError("It must be ids with commas between, a percentage as 10%, or 'rest'.");
  }
  return [...before, parsed.data];
}

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Command } from 'commander';
import { messageOf } from '../../errors.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import { EXIT, UsageError } from '../CliIo.ts';
import { EACH_CONCURRENCY, type EachTenantOptions, forEachTenant } from '../forEachTenant.ts';
import type { CliOf } from '../program.ts';
import { addSelection, atLeast } from '../selection.ts';

type Script = (em: EntityManager, tenant: Tenant) => unknown;

export function addRun(program: Command, cliOf: CliOf): void {
  addSelection(program.command('run').argument('<script>', 'a file that exports a function of (em, tenant) by default'))
    .description('run a script in the context of each tenant')
    .option('--concurrency <n>', 'how many tenants at once', atLeast(1), EACH_CONCURRENCY)
    .addHelpText(
      'after',
      '\nExamples:\n  tenants run ./scripts/recount.ts\n  tenants run ./scripts/recount.ts acme globex --json',
    )
    .action((file: string, ids: string[], options: EachTenantOptions, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async (manager) => {
          const script = await load(resolve(cli.io.cwd, file));
          const { signal } = cli.io;
          const work = ({ id }: Tenant) => manager.run(id, async (em, tenant) => script(em, tenant));
          const { results, code } = await forEachTenant(cli, manager, ids, options, work);
          const values = results.filter((one) => one.ok === true && one.value !== undefined);
          cli.output.result(
            results,
            values.map((one) => `${one.tenantId}: ${JSON.stringify('value' in one ? one.value : undefined)}`),
          );
          return signal.aborted ? EXIT.interrupted : code;
        }),
      ),
    );
}

async function load(file: string): Promise<Script> {
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
  } catch (error) {
    throw new UsageError(`${file} could not be loaded: ${messageOf(error)}`);
  }
  if (typeof module.default !== 'function') {
    throw new UsageError(`${file} must export a function of (em, tenant) by default.`);
  }
  return module.default as Script;
}

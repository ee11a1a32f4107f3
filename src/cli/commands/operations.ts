import type { Command } from 'commander';
import type { Operation } from '../../provisioning/operations/Operation.ts';
import type { Cli } from '../Cli.ts';
import type { CliOf } from '../program.ts';
import { withStepNotes } from '../stepNotes.ts';
import { table } from '../table.ts';

export function addOperations(program: Command, cliOf: CliOf): void {
  const operations = program.command('operations').description('what was and is done to tenants');
  operations
    .command('list', { isDefault: true })
    .description('the last ones, the youngest first')
    .argument('[id]', 'of this tenant')
    .option('--open', 'only those that are not over')
    .addHelpText('after', '\nExamples:\n  tenants operations\n  tenants operations acme\n  tenants operations --open')
    .action((id: string | undefined, { open }: { open?: boolean }, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async (manager) => show(cli, await manager.operations({ tenantId: id, open: open === true }))),
      ),
    );

  operations
    .command('resume')
    .description('go on with what stopped halfway')
    .argument('<id>', 'the tenant')
    .addHelpText('after', '\nExample:\n  tenants operations resume acme')
    .action((id: string, _options: object, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async (manager) =>
          show(cli, [await withStepNotes(cli, manager, () => manager.resumeOperation(id, { signal: cli.io.signal }))]),
        ),
      ),
    );

  operations
    .command('undo')
    .description('take back what stopped halfway')
    .argument('<id>', 'the tenant')
    .addHelpText('after', '\nExample:\n  tenants operations undo acme --yes')
    .action((id: string, _options: object, command: Command) =>
      cliOf(command, async (cli) => {
        if (!(await cli.confirm(`take back what was begun for ${id}?`))) {
          return cli.output.note('Nothing was changed.');
        }
        await cli.withManager(async (manager) => show(cli, [await manager.undoOperation(id)]));
      }),
    );

  operations
    .command('recover')
    .description('go on with everything whose process is gone')
    .addHelpText('after', '\nExample:\n  tenants operations recover')
    .action((_options: object, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async (manager) =>
          show(cli, await withStepNotes(cli, manager, () => manager.recoverOperations())),
        ),
      ),
    );

  program
    .command('spares')
    .description('make the spare databases that are missing, and say how many are ready')
    .addHelpText('after', '\nExample:\n  tenants spares')
    .action((_options: object, command: Command) =>
      cliOf(command, (cli) =>
        cli.withManager(async (manager) => {
          const ready = await manager.fillSpares();
          const rows = Object.entries(ready).map(([server, count]) => [server, String(count)]);
          cli.output.result(ready, table(['SERVER', 'READY'], rows));
        }),
      ),
    );
}

function show(cli: Cli, operations: readonly Operation[]): void {
  const rows = operations.map(({ id, tenantId, kind, state, step, error, startedAt }) => [
    id ?? '',
    tenantId,
    kind,
    state,
    startedAt,
    error === undefined ? (step ?? '') : `${error.step}: ${error.message}`,
  ]);
  cli.output.result(operations, table(['ID', 'TENANT', 'KIND', 'STATE', 'STARTED', 'STEP'], rows));
}

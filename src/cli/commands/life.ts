import type { Command } from 'commander';
import pMap from 'p-map';
import type { TenantOrmManager } from '../../TenantOrmManager.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import type { Cli } from '../Cli.ts';
import { UsageError } from '../CliIo.ts';
import type { CliOf } from '../program.ts';
import { milliseconds, selected } from '../selection.ts';
import { withStepNotes } from '../stepNotes.ts';
import { inFull, tenantOf } from '../tenantOf.ts';

type One = (manager: TenantOrmManager<Tenant>, id: string) => Promise<Tenant | undefined>;

/** One after the other: what fails leaves the rest alone. */
async function each(cli: Cli, ids: readonly string[], work: One): Promise<void> {
  await cli.withManager(async (manager) => {
    // All of them are looked for before the first one is touched.
    await Promise.all(ids.map((id) => tenantOf(manager, id)));
    const changed = await withStepNotes(cli, manager, () =>
      pMap(ids, async (id) => ({ id, tenant: await work(manager, id) }), { concurrency: 1 }),
    );
    cli.output.result(
      changed.map(({ id, tenant }) => (tenant === undefined ? { id, is: 'gone' } : inFull(tenant))),
      changed.map(
        ({ id, tenant }) =>
          `${id}: ${tenant === undefined ? 'gone' : `${inFull(tenant).status} on ${inFull(tenant).server}`}`,
      ),
    );
  });
}

export function addLife(program: Command, cliOf: CliOf): void {
  program
    .command('archive')
    .description('close tenants to everybody and keep them, until `restore`, or until `prune` drops them')
    .argument('<ids...>', 'tenants')
    .option('--keep <time>', 'for how long, as 30d; left out, as `provisioning.keepArchivedMs` says', milliseconds)
    .addHelpText('after', '\nExample:\n  tenants archive acme --keep 30d --yes')
    .action((ids: string[], { keep }: { keep?: number }, command: Command) =>
      cliOf(command, async (cli) => {
        if (!(await cli.confirm(`archive ${ids.join(', ')}?`))) {
          return cli.output.note('Nothing was changed.');
        }
        await each(cli, ids, (manager, id) => manager.archive(id, { keepMs: keep, signal: cli.io.signal }));
      }),
    );

  program
    .command('restore')
    .description('open archived tenants again, migrated to the schema of today')
    .argument('<ids...>', 'tenants')
    .addHelpText('after', '\nExample:\n  tenants restore acme')
    .action((ids: string[], _options: object, command: Command) =>
      cliOf(command, (cli) => each(cli, ids, (manager, id) => manager.restore(id, { signal: cli.io.signal }))),
    );

  program
    .command('drop')
    .description('drop a tenant, its database and its role, for good')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  tenants drop acme')
    .action((id: string, _options: object, command: Command) =>
      cliOf(command, async (cli) => {
        if (!(await cli.confirmName(`This drops tenant "${id}" and all its data, for good.`, id))) {
          return cli.output.note('Nothing was changed.');
        }
        await each(cli, [id], async (manager) => {
          await manager.drop(id, { signal: cli.io.signal });
          return undefined;
        });
      }),
    );

  program
    .command('rename')
    .description('give a tenant another id; its database stays')
    .argument('<id>')
    .argument('<newId>')
    .addHelpText('after', '\nExample:\n  tenants rename acme acme-inc')
    .action((id: string, newId: string, _options: object, command: Command) =>
      cliOf(command, (cli) => each(cli, [id], (manager) => manager.rename(id, newId, { signal: cli.io.signal }))),
    );

  program
    .command('move')
    .description('bring tenants to another server, one after the other')
    .argument('<ids...>', 'tenants')
    .requiredOption('--to <server>', 'the name of the server')
    .addHelpText('after', '\nExample:\n  tenants move acme --to eu2 --yes')
    .action((ids: string[], { to }: { to: string }, command: Command) =>
      cliOf(command, async (cli) => {
        if (!(await cli.confirm(`move ${ids.join(', ')} to ${to}? They are answered by 503 meanwhile.`))) {
          return cli.output.note('Nothing was changed.');
        }
        await each(cli, ids, (manager, id) => manager.move(id, { to, signal: cli.io.signal }));
      }),
    );

  program
    .command('prune')
    .description('drop what is kept and whose time is over: archived tenants, sources of moves, old templates')
    .addHelpText('after', '\nExample:\n  tenants prune --yes')
    .action((_options: object, command: Command) =>
      cliOf(command, async (cli) => {
        if (!(await cli.confirm('drop what is kept and whose time is over?'))) {
          return cli.output.note('Nothing was changed.');
        }
        await cli.withManager(async (manager) => {
          const report = await withStepNotes(cli, manager, () => manager.prune());
          const lines = [
            ...report.tenants.map((id) => `tenant ${id}`),
            ...report.leftovers.map(
              ({ database, tenantId }) => `database ${database}, which ${tenantId} was moved from`,
            ),
            ...report.templates.map((name) => `template ${name}`),
          ];
          cli.output.result(report, lines.length === 0 ? ['Nothing was due.'] : lines);
        });
      }),
    );

  program
    .command('rotate')
    .description('give the roles of tenants other passwords, or a role where a tenant has none')
    .argument('[ids...]', 'tenants')
    .option('--all', 'every tenant that is in use')
    .addHelpText('after', '\nExamples:\n  tenants rotate acme\n  tenants rotate --all')
    .action((ids: string[], { all }: { all?: boolean }, command: Command) =>
      cliOf(command, (cli) => rotate(cli, ids, all === true)),
    );
}

async function rotate(cli: Cli, ids: readonly string[], all: boolean): Promise<void> {
  if ((ids.length === 0) !== all) {
    throw new UsageError('Name tenants, or say --all.');
  }
  await cli.withManager(async (manager) => {
    const tenants = await selected(manager, ids, {});
    for (const { id } of tenants) {
      await manager.rotatePassword(id);
    }
    const names = tenants.map(({ id }) => id);
    cli.output.result(
      names,
      names.map((id) => `${id}: it has another password`),
    );
  });
}

import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { NewTenant } from '../../catalog/TenantStore.ts';
import type { TenantOrmManager } from '../../TenantOrmManager.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import type { Cli } from '../Cli.ts';
import type { CliOf } from '../program.ts';
import { pair } from '../selection.ts';
import { withStepNotes } from '../stepNotes.ts';
import { inFull } from '../tenantOf.ts';

interface NewOptions {
  readonly domain?: string[];
  readonly server?: string;
  readonly region?: string;
  readonly database?: string;
  readonly metadata?: (readonly [string, string])[];
  readonly keep?: boolean;
}

/** What a new tenant is given, whatever it is made from. */
function addNewOptions(command: Command): Command {
  return command
    .option('--domain <name...>', 'its domains, which you have seen to be its own; the first is the primary one')
    .option('--server <name>', 'where its database is; left out, where there is room')
    .option('--region <name>', 'only servers of this region')
    .option('--database <name>', 'the name of its database; left out, as `provisioning.databaseName` says')
    .option('--metadata <key=value...>', 'what the application keeps of it', pair)
    .option('--keep', 'leave what there is where a step fails, to go on by the same command');
}

function newTenantOf(id: string, { domain, server, database, metadata }: NewOptions): NewTenant {
  return {
    id,
    ...(domain === undefined ? {} : { domains: domain }),
    ...(server === undefined ? {} : { server }),
    ...(database === undefined ? {} : { database }),
    ...(metadata === undefined ? {} : { metadata: Object.fromEntries(metadata) }),
  };
}

async function make(
  cli: Cli,
  options: NewOptions,
  work: (manager: TenantOrmManager<Tenant>, how: object) => Promise<Tenant>,
): Promise<void> {
  const how = { signal: cli.io.signal, region: options.region, onFailure: options.keep === true ? 'keep' : 'undo' };
  await cli.withManager(async (manager) => {
    const tenant = await withStepNotes(cli, manager, () => work(manager, how));
    cli.output.result(inFull(tenant), [
      `${tenant.id}: ${inFull(tenant).status} in ${tenant.database} on ${inFull(tenant).server}`,
    ]);
  });
}

export function addCreate(program: Command, cliOf: CliOf): void {
  addNewOptions(
    program.command('create').description('make a tenant: its row, database, role, schema and seed').argument('<id>'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  tenants create acme --domain acme.com\n  tenants create acme --server eu1 --metadata plan=pro',
    )
    .action((id: string, options: NewOptions, command: Command) =>
      cliOf(command, (cli) => make(cli, options, (manager, how) => manager.provision(newTenantOf(id, options), how))),
    );

  addNewOptions(
    program
      .command('clone')
      .description('make a tenant whose data is a copy of another one’s')
      .argument('<id>')
      .argument('<newId>'),
  )
    .addHelpText('after', '\nExample:\n  tenants clone acme acme-next')
    .action((id: string, newId: string, options: NewOptions, command: Command) =>
      cliOf(command, (cli) =>
        make(cli, options, (manager, how) => manager.clone(id, newTenantOf(newId, options), how)),
      ),
    );

  addNewOptions(
    program
      .command('import')
      .description('make a tenant from what `tenants export` has written')
      .argument('<id>')
      .argument('<file>')
      .addOption(new Option('--format <format>', 'what the file is').choices(['json', 'dump']).default('json')),
  )
    .addHelpText('after', '\nExample:\n  tenants import acme acme.ndjson')
    .action((id: string, file: string, options: NewOptions & { format: 'json' | 'dump' }, command: Command) =>
      cliOf(command, (cli) =>
        make(cli, options, (manager, how) =>
          manager.import(newTenantOf(id, options), () => createReadStream(resolve(cli.io.cwd, file)), {
            ...how,
            format: options.format,
          }),
        ),
      ),
    );
}

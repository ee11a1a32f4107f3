import type { Command } from 'commander';
import pMap from 'p-map';
import { statusOf, type TenantStatus } from '../../tenant/Tenant.ts';
import { UsageError } from '../CliIo.ts';
import type { CliOf } from '../program.ts';
import { tenantOf } from '../tenantOf.ts';

interface Verb {
  readonly name: 'suspend' | 'resume' | 'readonly' | 'maintenance';
  readonly description: string;
  /** Statuses that it leads out of. Every other one has a meaning of its own, which is not passed over. */
  readonly from: readonly TenantStatus[];
  readonly isAsked: boolean;
}

const IN_USE: readonly TenantStatus[] = ['active', 'readonly', 'suspended', 'maintenance'];

const VERBS: readonly Verb[] = [
  {
    name: 'suspend',
    description: 'close tenants to everybody, as if they did not exist',
    from: IN_USE,
    isAsked: true,
  },
  { name: 'resume', description: 'open tenants again', from: IN_USE, isAsked: false },
  {
    name: 'readonly',
    description: 'let tenants be read, and not written to',
    from: IN_USE,
    isAsked: true,
  },
  {
    name: 'maintenance',
    description: 'answer requests of tenants by 503',
    from: IN_USE,
    isAsked: true,
  },
];

export function addStatuses(program: Command, cliOf: CliOf): void {
  for (const verb of VERBS) {
    program
      .command(verb.name)
      .description(verb.description)
      .argument('<ids...>', 'tenants')
      .addHelpText('after', `\nExample:\n  tenants ${verb.name} acme globex${verb.isAsked ? ' --yes' : ''}`)
      .action((ids: string[], _options: object, command: Command) =>
        cliOf(command, async (cli) => {
          if (verb.isAsked && !(await cli.confirm(`${verb.name} ${ids.join(', ')}?`))) {
            return cli.output.note('Nothing was changed.');
          }
          await cli.withManager(async (manager) => {
            // All of them are looked at before the first one is changed.
            for (const id of ids) {
              const status = statusOf(await tenantOf(manager, id));
              if (!verb.from.includes(status)) {
                throw new UsageError(`Tenant "${id}" is ${status}, which \`tenants ${verb.name}\` does not change.`);
              }
            }
            const changed = await pMap(ids, (id) => manager[verb.name](id), { concurrency: 1 });
            const lines = changed.map((tenant) => `${tenant.id}: ${statusOf(tenant)}`);
            cli.output.result(changed, lines);
          });
        }),
      );
  }
}

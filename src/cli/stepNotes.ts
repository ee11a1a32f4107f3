import type { TenancyEvents } from '../events.ts';
import type { TenantOrmManager } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { Cli } from './Cli.ts';

/** Runs `work`, and says on stderr what is done to which tenant, step by step. */
export async function withStepNotes<R>(
  cli: Cli,
  manager: TenantOrmManager<Tenant>,
  work: () => Promise<R>,
): Promise<R> {
  const stepDone = ({ tenantId, kind, step, tookMs }: TenancyEvents['operation:step-done']): void =>
    cli.output.note(`${tenantId}: ${kind}: ${step} (${tookMs} ms)`);
  const ended = ({ tenantId, kind, state }: TenancyEvents['operation:ended']): void =>
    cli.output.note(`${tenantId}: ${kind}: ${state}`);
  const progress = ({ tenantId, step, what, done, total }: TenancyEvents['operation:progress']): void =>
    cli.output.note(`${tenantId}: ${step}: ${what} (${done} of ${total})`);
  manager.events.on('operation:progress', progress);
  manager.events.on('operation:step-done', stepDone);
  manager.events.on('operation:ended', ended);
  try {
    return await work();
  } finally {
    manager.events.off('operation:progress', progress);
    manager.events.off('operation:step-done', stepDone);
    manager.events.off('operation:ended', ended);
  }
}

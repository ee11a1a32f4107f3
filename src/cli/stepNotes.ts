import type { TenantOrmManager } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { Cli } from './Cli.ts';

/** Runs `work`, and says on stderr what is done to which tenant, step by step. */
export async function withStepNotes<R>(
  cli: Cli,
  manager: TenantOrmManager<Tenant>,
  work: () => Promise<R>,
): Promise<R> {
  const stepDone = ({
    tenantId,
    kind,
    step,
    tookMs,
  }: {
    tenantId: string;
    kind: string;
    step: string;
    tookMs: number;
  }): void => cli.output.note(`${tenantId}: ${kind}: ${step} (${tookMs} ms)`);
  const ended = ({ tenantId, kind, state }: { tenantId: string; kind: string; state: string }): void =>
    cli.output.note(`${tenantId}: ${kind}: ${state}`);
  manager.events.on('operation:step-done', stepDone);
  manager.events.on('operation:ended', ended);
  try {
    return await work();
  } finally {
    manager.events.off('operation:step-done', stepDone);
    manager.events.off('operation:ended', ended);
  }
}

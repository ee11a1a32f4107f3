import { TenantNotFoundError } from '../../errors.ts';
import type { TenantStatusReport } from '../../migrations/status/FleetStatus.ts';
import type { Operation } from '../../provisioning/operations/Operation.ts';
import { createdAtOf, serverOf, statusOf, type Tenant } from '../../tenant/Tenant.ts';
import { isTenantId } from '../../tenant/tenantId.ts';
import type { TenantAction } from '../actions/Action.ts';
import { TENANT_ACTIONS } from '../actions/tenantActions.ts';
import { type Html, html } from '../html.ts';
import { actionLinks } from '../parts/actionLinks.ts';
import { duration, facts, live, time } from '../parts/elements.ts';
import { loggedActions } from '../parts/loggedActions.ts';
import { operationsTable } from '../parts/operations.ts';
import { shownError } from '../parts/shownError.ts';
import { statusBadge, versionBadge } from '../parts/tones.ts';
import type { Page, PageParts } from './Page.ts';
import { connectionsOf } from './tenantsPage.ts';

const OPERATIONS = 20;

/** A tenant, and what was and is done to it; also one that is not in the catalogue any more, or not yet. */
export interface TenantSubject<T extends Tenant> {
  readonly tenant: T | undefined;
  readonly operations: readonly Operation[];
  readonly open: Operation | undefined;
}

/** Rejects with `TenantNotFoundError` where nobody has heard of the tenant. */
export async function tenantSubject<T extends Tenant>(
  { manager }: Pick<PageParts<T>, 'manager'>,
  id: string,
): Promise<TenantSubject<T>> {
  if (!isTenantId(id)) {
    throw new TenantNotFoundError(id);
  }
  const [tenant, operations] = await Promise.all([
    manager.catalog.find(id),
    manager.operations({ tenantId: id, limit: OPERATIONS }),
  ]);
  if (tenant === undefined && operations.length === 0) {
    throw new TenantNotFoundError(id);
  }
  return { tenant, operations, open: operations.find(({ state }) => state === 'running' || state === 'failed') };
}

/** What is offered for the tenant as it is now. */
export function offeredActions<T extends Tenant>(
  { manager, options }: Pick<PageParts<T>, 'manager' | 'options'>,
  { tenant, open }: TenantSubject<T>,
): readonly TenantAction[] {
  return TENANT_ACTIONS.filter(
    ({ name, needsCentral, suits }) =>
      options.actions.includes(name) && (manager.hasCentral || !needsCentral) && suits(tenant, open),
  );
}

export async function tenantPage<T extends Tenant>(parts: PageParts<T>, id: string): Promise<Page> {
  const { manager, options, versions, links, log } = parts;
  const subject = await tenantSubject(parts, id);
  const { tenant, operations, open } = subject;
  const known = tenant === undefined ? undefined : (await versions.of([tenant])).get(id);
  const offered = offeredActions(parts, subject);
  const state = tenant === undefined ? 'not in the catalogue' : statusOf(tenant);
  const does =
    open === undefined
      ? ''
      : ` Its ${open.kind} ${open.state === 'failed' ? 'has stopped' : 'is'} at the step ${open.step ?? '–'}.`;
  return {
    section: 'tenants',
    title: id,
    body: html`
      ${live(
        'tenant',
        html`<p class="summary" data-announce>${id} is ${state}.${does}</p>
          ${tenant === undefined ? '' : html`${tenantFacts(tenant, options.details?.(tenant) ?? {})}${connections(parts, tenant)}${schema(known)}`}
          ${operationsTable(operations, 'What was and is done to it', links)}
          ${loggedActions(
            log.entries.filter(({ tenantId }) => tenantId === id),
            links,
          )}
          <h2>Actions</h2>
          ${actionLinks(offered, (name) => links.tenant(id, name))}`,
      )}
      ${manager.hasCentral ? '' : html`<p class="notice">This application has no central database: its catalogue cannot be changed from here.</p>`}`,
  };
}

function tenantFacts(tenant: Tenant, details: Readonly<Record<string, string | number>>): Html {
  return facts([
    ['Status', statusBadge(tenant)],
    ['Server', serverOf(tenant)],
    ['Database', tenant.database],
    ['Domains', tenant.domains?.join(', ') || '–'],
    ['Created', time(createdAtOf(tenant))],
    ...Object.entries(details),
  ]);
}

function connections<T extends Tenant>({ manager }: PageParts<T>, tenant: Tenant): Html {
  const counts = connectionsOf(tenant, manager.stats({ tenants: true }).servers);
  return html`<h2>Connections of this process</h2>${facts([
    ['In use', counts.inUse],
    ['Idle', counts.idle],
    ['Opening', counts.opening],
    ['Waiting', counts.waiting],
    ['Longest wait', duration(counts.longestWaitMs)],
    ['Refused so far', counts.refused],
  ])}`;
}

function schema(report: TenantStatusReport | undefined): Html {
  const named = (names: readonly string[] | undefined): string => names?.join(', ') || '–';
  const answered = report === undefined || report.state === 'failed' ? undefined : report;
  return html`<h2>Schema</h2>${facts([
    ['State', versionBadge(report)],
    ...(report?.state === 'failed' ? ([['Why', shownError(report.error.message)]] as const) : []),
    ['Version', answered?.version ?? '–'],
    ['Pending', named(answered?.pending)],
    ['Not known here', named(answered?.ahead)],
    ['Out of order', named(answered?.outOfOrder)],
    ['Edited since', named(answered?.edited)],
  ])}`;
}

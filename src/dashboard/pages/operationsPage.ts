import type { Tenant } from '../../tenant/Tenant.ts';
import { html } from '../html.ts';
import { count, live } from '../parts/elements.ts';
import { loggedActions } from '../parts/loggedActions.ts';
import { operationsTable } from '../parts/operations.ts';
import type { Page, PageParts } from './Page.ts';

const SHOWN = 50;

/** What is done to tenants in steps, those first that are not over. */
export async function operationsPage<T extends Tenant>({ manager, log, links }: PageParts<T>): Promise<Page> {
  const [open, latest] = await Promise.all([
    manager.operations({ open: true, limit: SHOWN }),
    manager.operations({ limit: SHOWN }),
  ]);
  const over = latest.filter(({ state }) => state === 'done' || state === 'undone');
  const failed = open.filter(({ state }) => state === 'failed').length;
  return {
    section: 'operations',
    title: 'Operations',
    body: live(
      'operations',
      html`<p class="summary" data-announce>${count(open.length, 'operation is', 'operations are')} not over, ${failed} of them stopped.</p>
        ${operationsTable(open, 'Not over', links)}
        ${operationsTable(over, 'The latest that are over', links)}
        ${loggedActions(log.entries, links)}`,
    ),
  };
}

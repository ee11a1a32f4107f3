import type { FleetItem, FleetReport } from '../../migrations/fleet/FleetRun.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import { runActions } from '../actions/runActions.ts';
import { type Html, html } from '../html.ts';
import type { Links } from '../Links.ts';
import { actionLinks } from '../parts/actionLinks.ts';
import { badge, facts, live, table, time } from '../parts/elements.ts';
import { shownError } from '../parts/shownError.ts';
import { itemBadge, runBadge } from '../parts/tones.ts';
import type { Page, PageParts } from './Page.ts';
import { progressOf, waveOf } from './runsPage.ts';

/** A run may be over very many tenants; those that need somebody are few. */
const SHOWN = 100;

export async function runPage<T extends Tenant>(
  { manager, options, log, links }: PageParts<T>,
  runId: string,
): Promise<Page> {
  const report = await manager.fleet.report(runId, { states: ['failed', 'running'], limit: SHOWN });
  const { counts, items, stoppedBecause } = report;
  const offered = runActions(options.actions).filter((action) => action.suits(report));
  const failure = log.entries.find((entry) => entry.runId === runId)?.error;
  const more = counts.failed + counts.running - items.length;
  return {
    section: 'runs',
    title: `Run ${runId}`,
    body: html`
      ${live(
        'run',
        html`<p class="summary" data-announce>${says(report)}</p>
          <p>${runBadge(report)} ${progressOf(counts)}</p>
          ${failure === undefined ? '' : html`<p class="error">It could not go on here: ${failure}</p>`}
          ${facts([
            ['Kind', report.kind],
            ['Up to', report.settings.to ?? 'the newest migration'],
            ['By', report.by ?? '–'],
            ['Wave', waveOf(report)],
            ['Begun', time(report.startedAt)],
            ['Over', time(report.finishedAt)],
            ['Stopped because', stoppedBecause ?? '–'],
            [
              'Takes back',
              report.ofRun === undefined ? '–' : html`<a href="${links.run(report.ofRun)}">run ${report.ofRun}</a>`,
            ],
          ])}
          ${table({
            caption: 'Tenants by state',
            columns: ['Done', 'Unchanged', 'Failed', 'Running', 'Pending', 'All'],
            rows: [[counts.done, counts.unchanged, counts.failed, counts.running, counts.pending, counts.tenants]],
            empty: '',
          })}
          ${itemsTable(items, links)}
          ${more > 0 ? html`<p>${more.toLocaleString('en')} more are not shown.</p>` : ''}
          <h2>Actions</h2>
          ${actionLinks(offered, (name) => links.run(runId, name))}`,
      )}`,
  };
}

function says({ state, counts: { tenants, pending, running, failed } }: FleetReport): string {
  const settled = tenants - pending - running;
  return `The run is ${state}: ${settled} of ${tenants} tenants are settled, ${failed} failed.`;
}

function itemsTable(items: readonly FleetItem[], links: Links): Html {
  return table({
    caption: 'Tenants that failed or are under way',
    columns: ['Tenant', 'State', 'Migration', 'Why', 'SQLSTATE', 'Attempts', 'From', 'Server', 'Wave'],
    rows: items.map(({ tenantId, state, attempts, from, error, server, wave }) => [
      html`<a href="${links.tenant(tenantId)}">${tenantId}</a>`,
      itemBadge(state),
      error?.migration ?? '–',
      error === undefined
        ? '–'
        : html`${shownError(error.message)}${error.mayBeHalfDone ? html` ${badge('may be half done', 'bad')}` : ''}`,
      error?.sqlState ?? '–',
      attempts,
      from ?? '–',
      server,
      wave,
    ]),
    empty: 'there is none.',
  });
}

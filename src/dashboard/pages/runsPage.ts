import type { FleetCounts, FleetRun } from '../../migrations/fleet/FleetRun.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import { type Html, html } from '../html.ts';
import { live, table, time } from '../parts/elements.ts';
import { runBadge } from '../parts/tones.ts';
import type { Page, PageParts } from './Page.ts';

const SHOWN = 20;

/** The newest runs of migrations, and how far they are. */
export async function runsPage<T extends Tenant>({ manager, runCounts, links }: PageParts<T>): Promise<Page> {
  const page = { section: 'runs', title: 'Runs of migrations' } as const;
  if (!manager.hasCentral) {
    return {
      ...page,
      body: html`<p class="notice">Runs are written down in a central database, and this application has none. A tenant can
        be migrated from its page; how that went is said there.</p>`,
    };
  }
  const runs = await manager.fleet.runs({ limit: SHOWN });
  const counted = await Promise.all(runs.map(async (run) => ({ run, counts: await runCounts.of(run) })));
  return {
    ...page,
    body: live(
      'runs',
      table({
        caption: `The newest ${SHOWN} runs`,
        columns: ['Run', 'State', 'Tenants settled', 'Failed', 'Wave', 'By', 'Begun', 'Over'],
        rows: counted.map(({ run, counts }) => [
          html`<a href="${links.run(run.id ?? '')}">${run.kind} ${run.id}</a>`,
          runBadge(run),
          progressOf(counts),
          counts.failed,
          waveOf(run),
          run.by ?? '–',
          time(run.startedAt),
          time(run.finishedAt),
        ]),
        empty: 'there was none yet.',
      }),
    ),
  };
}

export const waveOf = ({ wave, waves }: FleetRun): string => `${wave} of ${waves}`;

/** A bar, and the same in figures. */
export function progressOf({ tenants, pending, running }: FleetCounts): Html {
  const settled = tenants - pending - running;
  const says = `${settled.toLocaleString('en')} of ${tenants.toLocaleString('en')}`;
  return html`<progress max="${Math.max(1, tenants)}" value="${settled}" aria-label="Tenants settled">${says}</progress> ${says}`;
}

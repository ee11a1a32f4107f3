import type { LoggedAction } from '../actions/ActionLog.ts';
import { type Html, html } from '../html.ts';
import type { Links } from '../Links.ts';
import { badge, table, time } from './elements.ts';

const TONES = { 'under way': 'busy', done: 'good', failed: 'bad' } as const;

export function loggedActions(entries: readonly LoggedAction[], links: Links): Html {
  return table({
    caption: 'Begun from this page, in this process',
    columns: ['Action', 'On', 'State', 'By', 'Begun', 'What failed'],
    rows: entries.map(({ action, tenantId, runId, state, by, beganAt, error }) => [
      action,
      tenantId === undefined
        ? html`<a href="${links.run(runId ?? '')}">run ${runId}</a>`
        : html`<a href="${links.tenant(tenantId)}">${tenantId}</a>`,
      badge(state, TONES[state]),
      by ?? '–',
      time(beganAt),
      error ?? '–',
    ]),
    empty: 'nothing since it was started.',
  });
}

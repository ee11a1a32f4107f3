import type { Operation } from '../../provisioning/operations/Operation.ts';
import { type Html, html } from '../html.ts';
import type { Links } from '../Links.ts';
import { duration, table, time } from './elements.ts';
import { shownError } from './shownError.ts';
import { operationBadge } from './tones.ts';

/** The steps of an operation in their order: what took how long, which one is next, and why it stopped. */
function steps({ done, step, state, error }: Operation): Html {
  const next = state === 'running' || state === 'failed' ? step : undefined;
  return html`<ol class="steps">
    ${done.map((one) => html`<li class="done">${one.step} <span class="quiet">${duration(one.tookMs)}</span></li>`)}
    ${next === undefined ? '' : html`<li aria-current="step">${next} <span class="quiet">${state === 'failed' ? 'stopped here' : 'under way or next'}</span></li>`}
  </ol>${error === undefined ? '' : html`<p class="error">${error.step}: ${shownError(error.message)}</p>`}`;
}

/** Neither what was asked for nor what the steps work on is shown: an application's columns may hold secrets. */
export function operationsTable(operations: readonly Operation[], caption: string, links: Links): Html {
  return table({
    caption,
    columns: ['Operation', 'Tenant', 'State', 'Steps', 'Attempt', 'Begun', 'Over', 'Worker'],
    rows: operations.map((one) => [
      one.id === undefined ? one.kind : `${one.kind} ${one.id}`,
      html`<a href="${links.tenant(one.tenantId)}">${one.tenantId}</a>`,
      operationBadge(one),
      steps(one),
      one.attempt,
      time(one.startedAt),
      time(one.finishedAt),
      one.worker ?? '–',
    ]),
    empty: 'there is none.',
  });
}

import type { ActionWords, DashboardAction } from '../actions/Action.ts';
import { type Html, html } from '../html.ts';

/** Links to the pages where actions are confirmed. */
export function actionLinks(actions: readonly ActionWords[], addressOf: (name: DashboardAction) => string): Html {
  return actions.length === 0
    ? html`<p>Nothing can be done from here now.</p>`
    : html`<ul class="actions">${actions.map(
        ({ name, label, isDestructive }) =>
          html`<li><a class="button${isDestructive === true ? ' danger' : ''}" href="${addressOf(name)}">${label}</a></li>`,
      )}</ul>`;
}

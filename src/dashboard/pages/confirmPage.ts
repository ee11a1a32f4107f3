import type { ActionWords } from '../actions/Action.ts';
import { html } from '../html.ts';
import type { Page, Section } from './Page.ts';

export interface Confirmation {
  readonly section: Section;
  readonly action: ActionWords;
  /** What it is done to: the id of a tenant or of a run. */
  readonly subject: string;
  readonly what: 'tenant' | 'run';
  readonly token: string;
  /** The page that it comes from. */
  readonly cancelAt: string;
  /** What was typed, where that was not the name. */
  readonly wrongName?: string | undefined;
}

/** The name of the field that has to be typed. */
export const NAME_FIELD = 'name';
export const TOKEN_FIELD = 'token';

/** The question before an action. Without an address of its own the form is sent to where the page is. */
export function confirmPage({ action, subject, what, token, cancelAt, section, wrongName }: Confirmation): Page {
  const { label, effect, isDestructive = false } = action;
  const isWrong = wrongName !== undefined;
  return {
    ...(isWrong ? { status: 422 } : {}),
    section,
    isStill: true,
    title: `${label}: ${what} ${subject}?`,
    body: html`
      <p>${effect}</p>
      <form method="post">
        <input type="hidden" name="${TOKEN_FIELD}" value="${token}">
        ${
          isDestructive
            ? html`<p><label for="${NAME_FIELD}">Type <b>${subject}</b> to confirm</label>
              <input id="${NAME_FIELD}" name="${NAME_FIELD}" required autocomplete="off" autocapitalize="none" spellcheck="false"${
                isWrong ? html` aria-invalid="true" aria-describedby="wrong" autofocus value="${wrongName}"` : ''
              }></p>
              ${isWrong ? html`<p id="wrong" class="error" role="alert">This is not the name of the ${what}. Nothing was changed.</p>` : ''}`
            : ''
        }
        <p class="actions"><button class="button${isDestructive ? ' danger' : ' primary'}">${label}</button> <a class="button" href="${cancelAt}">Cancel</a></p>
      </form>`,
  };
}

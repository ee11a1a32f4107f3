import { html } from '../html.ts';
import { shownError } from '../parts/shownError.ts';
import type { Page } from './Page.ts';

/** What could not be done, or is not there, for who may know. */
export function messagePage(status: number, title: string, message: string): Page {
  return {
    status,
    section: undefined,
    isStill: true,
    title,
    body: html`<p class="error" role="alert">${shownError(message)}</p>`,
  };
}

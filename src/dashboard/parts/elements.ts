import { type Html, type HtmlValue, html } from '../html.ts';

export interface TableParts {
  /** What the table is of, for everybody. */
  readonly caption: string;
  readonly columns: readonly string[];
  /** The first cell of each row is its head. */
  readonly rows: readonly (readonly HtmlValue[])[];
  /** What stands there where there is no row. */
  readonly empty: string;
}

/** A table that scrolls by itself where it is too wide, also by the keyboard. */
export function table({ caption, columns, rows, empty }: TableParts): Html {
  if (rows.length === 0) {
    return html`<p class="empty"><b>${caption}:</b> ${empty}</p>`;
  }
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
    <caption>${caption}</caption>
    <thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
    <tbody>${rows.map(
      ([head, ...cells]) => html`<tr><th scope="row">${head}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
    )}</tbody>
  </table></div>`;
}

/** Names and what they stand for. */
export function facts(entries: readonly (readonly [string, HtmlValue])[]): Html {
  return html`<dl>${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export type Tone = 'good' | 'busy' | 'doubtful' | 'bad' | 'quiet';

/** A state in a word; its colour only says it again. */
export const badge = (word: string, tone: Tone): Html => html`<span class="badge ${tone}">${word}</span>`;

/** A time in ISO 8601, which is UTC everywhere in this library. */
export function time(iso: string | undefined): Html {
  return iso === undefined || iso === ''
    ? html`–`
    : html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

export function duration(milliseconds: number): string {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}

export const count = (value: number, one: string, many = `${one}s`): string =>
  `${value.toLocaleString('en')} ${value === 1 ? one : many}`;

/** What is renewed while the page is open. `name` is unique on its page. */
export const live = (name: string, content: Html): Html => html`<div data-live id="live-${name}">${content}</div>`;

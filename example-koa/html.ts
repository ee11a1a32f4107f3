import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';

/** Text that is HTML already. */
class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type { Html };

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A template for HTML: every value is escaped, but for what is HTML itself and lists of it. */
export function html(strings: TemplateStringsArray, ...values: readonly (string | number | Html | readonly Html[])[]) {
  return new Html(String.raw({ raw: strings }, ...values.map(render)));
}

function render(value: string | number | Html | readonly Html[]): string {
  if (value instanceof Html) {
    return value.text;
  }
  return typeof value === 'object'
    ? value.map(render).join('')
    : String(value).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

export interface Page {
  readonly title: string;
  /** A CSS colour. */
  readonly colour: string;
  readonly body: Html;
}

/** Answers with a page that may load nothing and run no script. */
export function sendPage(ctx: Context, { title, colour, body }: Page): void {
  const nonce = randomBytes(16).toString('base64');
  ctx.set(
    'Content-Security-Policy',
    `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  );
  ctx.type = 'html';
  ctx.body = html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width">
      <title>${title}</title>
      <style nonce="${nonce}">
        body { margin: 2rem auto; max-width: 50rem; padding: 0 1rem; font: 1rem/1.5 system-ui; border-top: 1rem solid ${colour}; }
        h1, a { color: ${colour}; }
        th, td { padding: 0.25rem 1rem 0.25rem 0; text-align: left; vertical-align: top; }
        input, textarea { display: block; width: 100%; margin-bottom: 0.5rem; font: inherit; }
      </style>
      ${body}
    </html>`.text;
}

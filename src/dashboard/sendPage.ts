import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import { SCRIPT, STYLE } from './assets/assets.ts';
import { html } from './html.ts';
import type { Links } from './Links.ts';
import type { Page, Section } from './pages/Page.ts';

export interface Frame {
  readonly links: Links;
  /** What the whole is called. */
  readonly title: string;
  readonly refreshIntervalMs: number;
}

const MENU: readonly (readonly [Section, string, string])[] = [
  ['tenants', 'Tenants', '/'],
  ['servers', 'Servers', '/servers'],
  ['runs', 'Runs', '/runs'],
  ['operations', 'Operations', '/operations'],
];

/** The script fills it in; without one it says what to do. */
const RENEWAL = html`<footer>
    <p id="renewed">Reload the page for new figures.</p>
    <button id="pause" class="button" hidden>Pause renewal</button>
  </footer>
  <p id="announcer" class="unseen" role="status"></p>`;

/** Answers with a page that loads nothing but its own style and script, and that no other page may show. */
export function sendPage(ctx: Context, page: Page, { links, title, refreshIntervalMs }: Frame): void {
  const nonce = randomBytes(16).toString('base64');
  ctx.set(
    'Content-Security-Policy',
    [
      ...["default-src 'none'", `style-src 'nonce-${nonce}'`, `script-src 'nonce-${nonce}'`, "connect-src 'self'"],
      ...['img-src data:', "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"],
    ].join('; '),
  );
  ctx.set('Cache-Control', 'no-store');
  ctx.status = page.status ?? 200;
  ctx.type = 'html';
  ctx.body = html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${page.title} – ${title}</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" nonce="${nonce}" href="${links.to(STYLE.path)}">
  <script defer nonce="${nonce}" src="${links.to(SCRIPT.path)}" data-interval="${refreshIntervalMs}"></script>
</head>
<body>
  <a class="skip" href="#main">Skip to the content</a>
  <header>
    <p class="title">${title}</p>
    <nav aria-label="Pages"><ul>${MENU.map(
      ([section, name, path]) =>
        html`<li><a href="${links.to(path)}"${section === page.section ? html` aria-current="page"` : ''}>${name}</a></li>`,
    )}</ul></nav>
  </header>
  <main id="main" tabindex="-1">
    <h1>${page.title}</h1>
    ${page.body}
  </main>
  ${page.isStill === true ? '' : RENEWAL}
</body>
</html>`.text;
}

/** What every answer has, pages and their assets. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  // Not `no-referrer`: browsers then say that forms come from nowhere.
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
});

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { CHROMIUM, launchChromium } from '../../support/dashboard/chromium.ts';
import { DashboardServer } from '../../support/dashboard/DashboardServer.ts';
import { OperatedWorld } from '../../support/dashboard/OperatedWorld.ts';
import { describeWhere } from '../../support/describeWhere.ts';

const PICTURES = join(import.meta.dirname, '../../../docs/pictures');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = {
  type: 'tag',
  values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
};

interface Findings {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

async function violations(page: Page, where: string, runOnly: object): Promise<string[]> {
  const found = await page.evaluate<Findings>(`axe.run(document, ${JSON.stringify({ runOnly })})`);
  return found.violations.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

const needed = { name: 'Chromium', isInstalled: CHROMIUM !== undefined, package: 'chromium' };

describeWhere(needed, 'the dashboard in a browser', () => {
  let world: OperatedWorld;
  /** Its pages renew themselves all the time. */
  let server: DashboardServer;
  /** Its pages do not while they are looked at. */
  let still: DashboardServer;
  let browser: Browser;
  /** What pages complained of: of scripts, of the policy, of what they could not load. */
  const complaints: string[] = [];
  beforeAll(async () => {
    world = await OperatedWorld.create();
    server = await DashboardServer.start(world.manager, { actor: () => 'ada', refreshIntervalMs: 100 });
    still = await DashboardServer.start(world.manager);
    browser = await launchChromium();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await still?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
    expect(complaints).toEqual([]);
  }, 60_000);

  async function open(
    path: string,
    { of = server, ...options }: Parameters<Browser['newPage']>[0] & { readonly of?: DashboardServer } = {},
  ): Promise<Page> {
    const page = await browser.newPage(options);
    // An answer that was asked for, as 422, is an error to the browser alone.
    const isExpected = (text: string): boolean => text.includes('status of 422');
    page.on('console', (message) => {
      if (message.type() === 'error' && !isExpected(message.text())) {
        complaints.push(message.text());
      }
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${of.origin}/operators${path}`);
    return page;
  }

  const focused = (page: Page): Promise<string> =>
    page.evaluate('document.activeElement.textContent.trim() || document.activeElement.id');

  it('has nothing that keeps people out of it, in light and in dark', async () => {
    const [run] = await world.manager.fleet.runs({ limit: 1 });
    const found: string[] = [];
    for (const path of [
      ...['', '?q=nobody', '/servers', `/runs/${run?.id}`, '/operations', '/tenants/acme', '/tenants/wayne'],
      ...['/tenants/acme/suspend', '/tenants/acme/archive'],
    ]) {
      // The checks are of another origin than the page, and its policy keeps them out.
      const page = await open(path, { of: still, colorScheme: 'light', bypassCSP: true });
      await page.evaluate(AXE);
      found.push(...(await violations(page, `${path} in light`, RULES)));
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(20, 23, 28)');
      found.push(...(await violations(page, `${path} in dark`, { type: 'rule', values: ['color-contrast'] })));
      await page.close();
    }
    expect(found).toEqual([]);
  }, 120_000);

  it('does not let a narrow window scroll sideways, but for its tables', async () => {
    const page = await open('', { viewport: { width: 360, height: 640 } });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.close();
  });

  it('is used by the keyboard alone, from the skip link to a tenant that is suspended', async () => {
    const page = await open('');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('q');
    await page.keyboard.type('initech');
    await page.keyboard.press('Enter');
    await page.getByText('Tenants that were found').waitFor();
    await page.getByRole('link', { name: 'initech', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'initech' }).waitFor();
    await page.getByRole('link', { name: 'Suspend' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Suspend' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('initech is suspended.').first().waitFor();
    await world.manager.resume('initech');
    await page.close();
  });

  it('works without scripts, and asks for the name before it destroys', async () => {
    const page = await open('/tenants/initech/archive', { javaScriptEnabled: false });
    await page.getByLabel('Type initech to confirm').fill('globex');
    await page.getByRole('button', { name: 'Archive' }).click();
    await page.getByText('This is not the name of the tenant.').waitFor();
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.getByRole('heading', { name: 'initech' }).waitFor();
    expect(await page.getByText('Reload the page for new figures.').isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: 'Pause renewal' }).isVisible()).toBe(false);
    expect((await world.manager.catalog.find('initech'))?.status).toBe('active');
    await page.close();
  });

  it('renews its figures, leaves the focus where it is, and says what changed without being asked', async () => {
    const page = await open('/tenants/globex');
    const link = page.getByRole('link', { name: 'Make read-only' });
    await link.focus();
    await world.manager.maintenance('globex');
    await page.getByRole('status').getByText('globex is maintenance.').waitFor();
    expect(await page.locator('main .badge').first().textContent()).toBe('maintenance');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('A');
    await world.manager.resume('globex');
    await page.getByText('globex is active.').first().waitFor();
    await page.close();
  });

  it('pauses when it is told to, and stays so from page to page', async () => {
    const page = await open('/tenants/globex');
    await page.getByRole('button', { name: 'Pause renewal' }).click();
    await page.getByRole('link', { name: 'Servers' }).click();
    await page.getByText('Not renewed any more.').waitFor();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.getByRole('button', { name: 'Renew again' }).click();
    await page.getByText(/^Renewed at/).waitFor();
    expect(asked[0]).toBe(`${server.origin}/operators/servers`);
    await page.close();
  });

  it('refuses a form of another page in the operator’s own browser', async () => {
    const context = await browser.newContext();
    const own = await context.newPage();
    await own.goto(`${server.origin}/operators/tenants/acme/suspend`);
    const other = await context.newPage();
    // The same server by another name is another site.
    await other.goto(`http://localhost:${server.port}/`);
    const forged = `${server.origin}/operators/tenants/acme/suspend`;
    const [response] = await Promise.all([
      other.waitForResponse(forged),
      other.evaluate(`
        const form = Object.assign(document.createElement('form'), { method: 'post', action: ${JSON.stringify(forged)} });
        document.body.append(form);
        form.submit();
      `),
    ]);
    expect(response.status()).toBe(403);
    expect(await response.request().headerValue('cookie')).toBeNull();
    expect((await world.manager.catalog.find('acme'))?.status).toBe('active');
    await context.close();
  });

  const picture = process.env['PICTURES'] === undefined ? it.skip : it;
  picture(
    'has its picture taken for the documentation',
    async () => {
      const [run] = await world.manager.fleet.runs({ limit: 1 });
      for (const [name, path, colorScheme] of [
        ['tenants-light', '', 'light'],
        ['tenants-dark', '', 'dark'],
        ['tenant-dark', '/tenants/wayne', 'dark'],
        ['run-light', `/runs/${run?.id}`, 'light'],
        ['confirm-light', '/tenants/acme/archive', 'light'],
      ] as const) {
        const viewport = { width: 1000, height: 640 };
        const page = await open(path, { of: still, colorScheme, viewport });
        const [width, height] = await page.evaluate<[number, number]>(
          '[1000, Math.ceil((document.querySelector("footer") ?? document.querySelector("main")).getBoundingClientRect().bottom)]',
        );
        await page.setViewportSize({ width, height });
        await page.screenshot({ path: join(PICTURES, `dashboard-${name}.png`) });
        await page.close();
      }
    },
    60_000,
  );
});

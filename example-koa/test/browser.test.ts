import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ExampleServer } from './ExampleServer.ts';

const PROGRAMS = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A browser that asks nobody but this machine. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The server of the tests listens on IPv4 only.
  '--host-resolver-rules=MAP *.localhost 127.0.0.1',
];

const executablePath = PROGRAMS.find(
  (program) => program !== undefined && program !== '' && spawnSync(program, ['--version']).status === 0,
);

describe('the example in a browser', () => {
  if (executablePath === undefined) {
    it.skip('is not shown here: Chromium is not installed (Debian, Ubuntu: apt-get install chromium)', () => {});
    return;
  }
  let server: ExampleServer;
  let browser: Browser;
  beforeAll(async () => {
    // One after the other: when one of them fails, the other is known to `afterAll`, and no browser is left behind.
    server = await ExampleServer.start();
    browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    expect(server?.errors).toEqual([]);
  });

  const addressOf = (tenant: string): string => `http://${tenant}.localhost:${server.port}/`;

  /** In a context of its own, as if by another visitor. */
  async function open(address: string): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(address);
    return page;
  }

  async function addHouse(page: Page, address: string): Promise<void> {
    await page.getByLabel('Address').fill(address);
    await page.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('cell', { name: address }).waitFor();
  }

  const shows = (page: Page, text: string): Promise<boolean> => page.getByText(text).first().isVisible();

  it('shows two tenants side by side, each with its own houses', async () => {
    const [acme, globex] = await Promise.all([open(addressOf('acme')), open(addressOf('globex'))]);
    await Promise.all([addHouse(acme, '1 Acme Only Street'), addHouse(globex, '1 Globex Only Street')]);
    await Promise.all([acme.reload(), globex.reload()]);
    expect(await acme.title()).toBe('Acme Homes');
    expect(await globex.title()).toBe('Globex Estates');
    expect(await Promise.all([shows(acme, '1 Acme Only Street'), shows(globex, '1 Globex Only Street')])).toEqual([
      true,
      true,
    ]);
    expect(await Promise.all([shows(acme, '1 Globex Only Street'), shows(globex, '1 Acme Only Street')])).toEqual([
      false,
      false,
    ]);
    expect(await shows(acme, 'Plan: Estate, up to 1000 houses.')).toBe(true);
  });

  it('signs up a third, who begins without houses', async () => {
    const page = await open(`http://localhost:${server.port}/`);
    await page.getByLabel('Subdomain').fill('umbrella');
    await page.getByLabel('Name').fill('Umbrella Homes');
    await page.getByRole('button', { name: /^Start/ }).click();
    await page.getByRole('link', { name: addressOf('umbrella') }).click();
    await page.waitForURL(addressOf('umbrella'));
    expect(await page.title()).toBe('Umbrella Homes');
    expect(await shows(page, 'Plan: Free, up to 10 houses.')).toBe(true);
    expect(await page.getByRole('row').count()).toBe(1);
    await addHouse(page, '1 Umbrella Only Street');
    const acme = await open(addressOf('acme'));
    expect(await shows(acme, '1 Umbrella Only Street')).toBe(false);
  });

  it('keeps the cookies of one tenant from another, in one and the same browser window', async () => {
    const page = await open(addressOf('acme'));
    await page.evaluate("document.cookie = 'visitor=of-acme'");
    const cookieSentTo = async (address: string): Promise<string | undefined> => {
      const response = await page.goto(address);
      return (await response?.request().allHeaders())?.['cookie'];
    };
    expect(await cookieSentTo(addressOf('acme'))).toBe('visitor=of-acme');
    expect(await cookieSentTo(addressOf('globex'))).toBeUndefined();
    expect(await cookieSentTo(`http://localhost:${server.port}/`)).toBeUndefined();
    expect((await page.context().cookies()).map(({ domain }) => domain)).toEqual(['acme.localhost']);
  });

  it('lets no page of one tenant change another one', async () => {
    // Without the policy of the page itself, which would not let the form out.
    const acme = await browser.newPage({ bypassCSP: true });
    await acme.goto(addressOf('acme'));
    const forged = `${addressOf('globex')}houses`;
    const [response] = await Promise.all([
      acme.waitForResponse(forged),
      acme.evaluate(`
        const form = Object.assign(document.createElement('form'), { method: 'post', action: ${JSON.stringify(forged)} });
        form.append(Object.assign(document.createElement('input'), { name: 'address', value: 'Forged by Acme' }));
        document.body.append(form);
        form.submit();
      `),
    ]);
    expect(response.status()).toBe(403);
    const globex = await open(addressOf('globex'));
    expect(await shows(globex, 'Forged by Acme')).toBe(false);
  });
});

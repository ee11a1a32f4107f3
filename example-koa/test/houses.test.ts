import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ExampleServer, type Sent } from './ExampleServer.ts';

const HOST = 'acme.localhost';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('/houses', () => {
  let server: ExampleServer;

  beforeAll(async () => {
    server = await ExampleServer.start();
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    expect(server.errors).toEqual([]);
  });

  const send = (path: string, sent?: Sent) => server.send(HOST, path, sent);

  async function create(address: string) {
    const { text } = await send('/houses', { method: 'POST', body: { address } });
    return JSON.parse(text) as { readonly id: number; readonly createdAt: string; readonly updatedAt: string };
  }

  it('creates, reads, replaces, changes and deletes a house', async () => {
    const created = await send('/houses', { method: 'POST', body: { address: ' 1 High Street ', description: 'Red' } });
    expect(created.status).toBe(201);
    const path = String(created.headers.location);
    expect(JSON.parse(created.text)).toMatchObject({ address: '1 High Street', description: 'Red' });
    expect(JSON.parse((await send(path)).text)).toEqual(JSON.parse(created.text));

    const replaced = await send(path, { method: 'PUT', body: { address: '2 High Street' } });
    expect(JSON.parse(replaced.text)).toMatchObject({ address: '2 High Street', description: '' });
    const changed = await send(path, { method: 'PATCH', body: { description: 'Blue' } });
    expect(JSON.parse(changed.text)).toMatchObject({ address: '2 High Street', description: 'Blue' });

    expect((await send(path, { method: 'DELETE' })).status).toBe(204);
    expect((await send(path)).status).toBe(404);
    expect((await send(path, { method: 'DELETE' })).status).toBe(404);
  });

  it('keeps the time of creation and moves the time of the last change', async () => {
    const { id, createdAt, updatedAt } = await create('3 High Street');
    expect(Date.parse(createdAt)).not.toBeNaN();
    const changed = JSON.parse((await send(`/houses/${id}`, { method: 'PATCH', body: { description: 'x' } })).text);
    expect(changed.createdAt).toBe(createdAt);
    expect(Date.parse(changed.updatedAt)).toBeGreaterThan(Date.parse(updatedAt));
  });

  it('gives every house once, page by page', async () => {
    for (const number of [1, 2, 3]) {
      await create(`${number} Page Street`);
    }
    const all = (await server.houses(HOST)).map(({ id }) => id);
    const paged: number[] = [];
    let after: number | null = 0;
    while (after !== null) {
      const page = JSON.parse((await send(`/houses?limit=2&after=${after}`)).text);
      expect(page.houses.length).toBeLessThanOrEqual(2);
      paged.push(...page.houses.map(({ id }: { readonly id: number }) => id));
      after = page.next;
    }
    expect(paged).toEqual(all);
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'after=-1', 'after=99999999999', 'limit=1&limit=2', 'tenant=globex'])(
    'refuses the query %s with 400',
    async (query) => {
      expect((await send(`/houses?${query}`)).status).toBe(400);
    },
  );

  it.each(['0', '-1', '1.0', '01', 'x', '2147483648', '9'.repeat(30), "1'", '%00'])(
    'knows no house with the id %s',
    async (id) => {
      expect((await send(`/houses/${id}`)).status).toBe(404);
    },
  );

  it.each([
    ['no address', { description: 'x' }, 'address'],
    ['an empty address', { address: '  ' }, 'address'],
    ['an address of 201 characters', { address: 'x'.repeat(201) }, 'address'],
    ['a NUL, which PostgreSQL does not take', { address: 'a\0b' }, 'address'],
    ['half a character', { address: 'a\ud800' }, 'address'],
    ['a description that is no text', { address: 'a', description: 5 }, 'description'],
    ['a field that is not its own', { address: 'a', id: 7 }, ''],
    ['a list', [], ''],
  ])('refuses a house with %s, and names the field', async (_name, body, path) => {
    const { status, text } = await send('/houses', { method: 'POST', body });
    expect(status).toBe(422);
    expect(JSON.parse(text).error).toMatchObject({ code: 'UNPROCESSABLE_ENTITY', issues: [{ path }] });
  });

  it.each<[string, Sent, number]>([
    ['no body', { method: 'POST' }, 415],
    ['broken JSON', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"address"' }, 400],
    ['a type that is no data', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'a' }, 415],
    ['a form where only JSON is taken', { method: 'PUT', headers: FORM, body: 'address=a' }, 415],
    ['a body that is too large', { method: 'POST', body: { address: 'x'.repeat(70_000) } }, 413],
    ['a page of another origin', { method: 'POST', headers: { 'sec-fetch-site': 'same-site' }, body: {} }, 403],
  ])('refuses %s', async (_name, sent, status) => {
    const { id } = await create('4 High Street');
    const answer = await send(sent.method === 'PUT' ? `/houses/${id}` : '/houses', sent);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toHaveProperty('error.message');
  });

  it('names the methods that it takes', async () => {
    const { status, headers } = await send('/houses/1', { method: 'POST', body: {} });
    expect(status).toBe(405);
    expect(headers.allow).toMatch(/PATCH/);
    expect((await send('/nothing')).status).toBe(404);
  });

  it('takes the form of the page, goes back to it, and shows what was typed as text', async () => {
    const body = new URLSearchParams({ address: '<script>alert(1)</script>', description: '"&' }).toString();
    const sent = { method: 'POST', headers: { ...FORM, 'sec-fetch-site': 'same-origin' }, body };
    const { status, headers } = await server.send('localhost', '/t/acme/houses', sent);
    expect([status, headers.location]).toEqual([303, '/t/acme/']);
    const page = await server.send('localhost', '/t/acme/');
    expect(page.text).toContain('<td>&lt;script&gt;alert(1)&lt;/script&gt;</td><td>&quot;&amp;</td>');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'nonce-/);
  });

  it('leaves the public routes without a tenant', async () => {
    const front = await server.send('localhost:3000', '/');
    for (const { id } of server.tenants) {
      expect(front.text).toContain(`href="http://${id}.localhost:3000/"`);
    }
    expect(front.text).toContain('Start with 10 houses');
    expect((await server.send('127.0.0.1:3000', '/')).status).toBe(200);
  });
});

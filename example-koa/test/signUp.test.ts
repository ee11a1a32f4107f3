import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adminQuery, createDatabase, dropDatabase, serverUrl, uniqueName } from '../../test/support/databases.ts';
import { ExampleServer } from './ExampleServer.ts';

describe('a sign-up', () => {
  let server: ExampleServer;
  beforeAll(async () => {
    server = await ExampleServer.start();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    expect(server.errors).toEqual([]);
  });

  const signUp = (body: unknown, headers = {}) =>
    server.send('localhost:3000', '/sign-up', { method: 'POST', body, headers });
  const code = ({ text }: { readonly text: string }) => JSON.parse(text).error.code;

  it('gives a tenant with a database of its own, on the free plan', async () => {
    const answer = await signUp({ id: 'hooli', name: 'Hooli Homes', colour: '#00897b' });
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe('http://hooli.localhost:3000/');
    const page = await server.send('hooli.localhost', '/');
    expect(page.text).toContain('Hooli Homes');
    expect(page.text).toContain('Plan: Free, up to 10 houses.');
    expect(page.text).toContain(`database <b>${server.databasePrefix}hooli</b>`);
    expect(await server.houses('hooli.localhost')).toEqual([]);
    await server.send('hooli.localhost', '/houses', { method: 'POST', body: { address: 'Only of Hooli' } });
    expect((await server.houses('acme.localhost')).map(({ address }) => address)).not.toContain('Only of Hooli');
  });

  it('leaves the new database closed to other roles', async () => {
    const rows = await adminQuery<{ open: boolean }>("select has_database_privilege('public', $1, 'connect') as open", [
      `${server.databasePrefix}acme`,
    ]);
    expect(rows).toEqual([{ open: false }]);
  });

  it('answers a form with a page that leads to the new tenant', async () => {
    const answer = await signUp('id=piedpiper&name=Pied+Piper', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(answer.status).toBe(201);
    expect(answer.text).toContain('<a href="http://piedpiper.localhost:3000/">');
  });

  it('takes nobody else’s name, and one name once, however many ask at once', async () => {
    const taken = await signUp({ id: 'acme', name: 'Not Acme' });
    expect([taken.status, code(taken)]).toEqual([409, 'CONFLICT']);
    expect((await server.send('acme.localhost', '/')).text).toContain('Acme Homes');
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map((n) => signUp({ id: 'raviga', name: `Raviga ${n}` }).then(({ status }) => status)),
    );
    expect(answers.sort((one, other) => one - other)).toEqual([201, 409, 409, 409, 409]);
  });

  it('does not take over a database that is there already', async () => {
    const database = `${server.databasePrefix}leftover`;
    await createDatabase(database);
    expect((await signUp({ id: 'leftover', name: 'Leftover' })).status).toBe(409);
    expect(await server.manager.catalog.find('leftover')).toBeUndefined();
    await dropDatabase(database);
  });

  it.each([
    ['a reserved name', { id: 'www', name: 'Web' }],
    ['capital letters', { id: 'Acme', name: 'Acme' }],
    ['a name too long for a database', { id: 'a'.repeat(41), name: 'Long' }],
    ['SQL', { id: 'a"; drop database postgres; --', name: 'Little Bobby' }],
    ['no name', { id: 'nameless', name: ' ' }],
    ['a colour that is more than one', { id: 'styled', name: 'Styled', colour: 'red;}' }],
    ['a column that is not theirs', { id: 'greedy', name: 'Greedy', plan: 'estate' }],
  ])('refuses %s', async (_what, body) => {
    expect((await signUp(body)).status).toBe(422);
  });

  it('is not accepted from the page of another origin, nor on a tenant’s address', async () => {
    expect((await signUp({ id: 'forged', name: 'Forged' }, { 'sec-fetch-site': 'same-site' })).status).toBe(403);
    const onTenant = await server.send('acme.localhost', '/sign-up', { method: 'POST', body: { id: 'x', name: 'X' } });
    expect(onTenant.status).toBe(404);
  });

  it('that stopped half-way is not served, and is finished once that is possible', async () => {
    const { events } = server.manager;
    const stop = new AbortController();
    events.once('operation:step-done', () => stop.abort(new Error('cut off')));
    const hooks = { signal: stop.signal, onFailure: 'keep' } as const;
    const cut = server.manager.provision({ id: 'halfway', name: 'Half Way', colour: '#000000' }, hooks);
    await expect(cut).rejects.toThrow('cut off');
    expect((await server.send('halfway.localhost', '/')).status).toBe(503);
    await server.manager.resumeOperation('halfway');
    expect((await server.send('halfway.localhost', '/')).status).toBe(200);
  });
});

describe('a sign-up on a server that makes no databases', () => {
  const role = uniqueName('creator');
  let server: ExampleServer;
  beforeAll(async () => {
    await adminQuery(`create role ${role} login createdb password 'secret'`);
    const creatorUrl = new URL(serverUrl());
    [creatorUrl.username, creatorUrl.password] = [role, 'secret'];
    server = await ExampleServer.start({ url: creatorUrl.href });
    await adminQuery(`alter role ${role} nocreatedb`);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await adminQuery(`drop role ${role}`);
  });

  const signUp = () => server.send('localhost', '/sign-up', { method: 'POST', body: { id: 'hooli', name: 'Hooli' } });
  const statusOfPage = async (id: string) => (await server.send(`${id}.localhost`, '/')).status;

  it('is refused, leaves nothing, and succeeds once there are databases again', async () => {
    const answer = await signUp();
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text).error.message).toMatch(
      /^"hooli" could not be made now, and nothing of it was kept\./,
    );
    expect(answer.text).not.toContain(server.databasePrefix);
    expect(server.errors).toMatchObject([{ message: expect.stringContaining('"hooli"'), cause: { code: '42501' } }]);
    expect([await statusOfPage('acme'), await statusOfPage('hooli')]).toEqual([200, 404]);
    await adminQuery(`alter role ${role} createdb`);
    expect((await signUp()).status).toBe(201);
    expect(await statusOfPage('hooli')).toBe(200);
  });
});

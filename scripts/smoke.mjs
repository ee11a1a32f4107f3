// Starts the example as a user does, tries what it prints, and looks at what is left afterwards. About 20 seconds.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const DEADLINE_MS = 55_000;
const PRINTED_LAST = 'Ctrl-C stops everything';
const root = fileURLToPath(new URL('../', import.meta.url));

const dataDir = await mkdtemp(join(tmpdir(), 'example koa '));
// As root, PostgreSQL runs as another user, who must reach its data.
await chmod(dataDir, 0o755);
const processes = [];
const deadline = setTimeout(() => fail(new Error(`not done within ${DEADLINE_MS} ms`)), DEADLINE_MS);

/** The example in a process group of its own, as under a terminal. */
function launch(command, ...parameters) {
  const env = { ...process.env, PORT: '0', DATA_DIR: dataDir, DATABASE_URL: '', HOST: '', BASE_DOMAIN: '' };
  const child = spawn(command, parameters, {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const running = { child, output: '', ended: once(child, 'close').then(([code, signal]) => signal ?? code) };
  processes.push(running);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      running.output += chunk;
    });
  }
  return running;
}

/** Waits for the last printed line, and gives the requests of the printed curl lines. */
async function started(running) {
  while (!running.output.includes(PRINTED_LAST)) {
    const more = await Promise.race([once(running.child.stdout, 'data'), running.ended]);
    assert(Array.isArray(more), `the example ended with ${String(more)} before it was ready`);
  }
  return running.output
    .split('\n')
    .filter((line) => line.startsWith('  curl '))
    .map(parseCurl);
}

function parseCurl(line) {
  const url = new URL(/ (http:\S+)$/.exec(line)[1]);
  const headers = Object.fromEntries(
    [...line.matchAll(/-H '([^:]+): ([^']*)'/g)].map(([, name, value]) => [name, value]),
  );
  const body = / -d '([^']*)'/.exec(line)?.[1];
  return { line, url, headers: { host: url.host, ...headers }, body, method: body === undefined ? 'GET' : 'POST' };
}

async function send({ line, url, headers, body, method }, expectedStatus) {
  const sent = request({ host: url.hostname, port: url.port, path: url.pathname, method, headers, agent: false });
  sent.end(body);
  const [response] = await once(sent, 'response');
  const answer = await text(response);
  assert.equal(response.statusCode, expectedStatus, `${line}\nanswered ${response.statusCode}: ${answer}`);
  return JSON.parse(answer);
}

const addressesOf = async (curl) => (await send(curl, 200)).houses.map(({ address }) => address);

/** What each printed line answers, by tenant. Every way to name a tenant must give the same houses. */
async function housesByTenant(curls) {
  const houses = {};
  for (const curl of curls.filter(({ method }) => method === 'GET')) {
    const tenant = /acme|globex|initech/.exec(curl.line)[0];
    const addresses = await addressesOf(curl);
    assert.deepEqual(addresses, houses[tenant] ?? addresses, `${curl.line}\nanswered other houses than another way`);
    houses[tenant] = addresses;
  }
  assert.deepEqual(Object.keys(houses).sort(), ['acme', 'globex', 'initech']);
  const all = Object.values(houses).flat();
  assert.equal(new Set(all).size, all.length, 'a tenant answered with a house of another one');
  assert(
    Object.values(houses).every(({ length }) => length > 0),
    'a tenant has no houses',
  );
  return houses;
}

/** A terminal sends SIGINT to everybody in the group, of whom PostgreSQL must not be one; a supervisor to us alone. */
async function end(running, signal, { group }, expected = [0]) {
  process.kill(group ? -running.child.pid : running.child.pid, signal);
  const code = await running.ended;
  assert(expected.includes(code), `after ${signal} the exit code was ${code}`);
  assert.match(running.output, /^Stopping: /m);
  assert.equal(postmasterPid(), undefined, `PostgreSQL is still running after ${signal}`);
}

function postmasterPid() {
  const file = join(dataDir, 'postgres', 'postmaster.pid');
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : undefined;
}

async function fail(error) {
  console.error(`smoke: ${error.message}`);
  for (const { output } of processes) {
    console.error(`--- output\n${output}`);
  }
  await cleanUp();
  process.exit(1);
}

async function cleanUp() {
  clearTimeout(deadline);
  for (const { child } of processes) {
    kill(-child.pid, 'SIGKILL');
  }
  const postmaster = postmasterPid();
  if (postmaster !== undefined) {
    // SIGQUIT: PostgreSQL ends at once, and its workers with it.
    kill(postmaster, 'SIGQUIT');
  }
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    assert.equal(error.code, 'ESRCH');
  }
}

async function step(name, work) {
  const startedAt = performance.now();
  const result = await work();
  console.log(`smoke: ${name} (${Math.round(performance.now() - startedAt)} ms)`);
  return result;
}

try {
  const first = launch('npm', 'start');
  const curls = await step('npm start prints what to try', () => started(first));
  const seeded = await step('each tenant answers with its own houses', () => housesByTenant(curls));

  await step('a port in use is one sentence', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address();
    const second = launch('env', `PORT=${port}`, process.execPath, 'example-koa/main.ts');
    assert.equal(await second.ended, 1);
    assert.match(second.output, new RegExp(`^127\\.0\\.0\\.1:${port} is in use [^\\n]*\\n$`));
    taken.close();
  });
  await step('data in use is one sentence', async () => {
    const second = launch(process.execPath, 'example-koa/main.ts');
    assert.equal(await second.ended, 1);
    assert.match(second.output, /^Another example-koa is running on the data in [^\n]*\n$/);
  });

  const post = curls.find(({ method, url }) => method === 'POST' && url.pathname === '/houses');
  const signUp = curls.find(({ url }) => url.pathname === '/sign-up');
  const withNew = { ...seeded, acme: [...seeded.acme, JSON.parse(post.body).address] };
  await step('a new house is in one tenant only', async () => {
    await send(post, 201);
    assert.deepEqual(await housesByTenant(curls), withNew);
  });
  await step('a new tenant signs up, once', async () => {
    const { id } = await send(signUp, 201);
    const page = { ...curls[0], headers: { host: `${id}.localhost` } };
    assert.deepEqual(await addressesOf(page), []);
    await send(signUp, 409);
  });
  // npm's shell ends by the signal itself, once the example is done.
  await step('Ctrl-C stops npm start and PostgreSQL', () => end(first, 'SIGINT', { group: true }, [0, 130, 'SIGINT']));

  const again = launch('npm', 'start');
  await step('the house and the new tenant are there after a restart', async () => {
    const after = await started(again);
    assert.deepEqual(await housesByTenant(after), withNew);
    const { id } = JSON.parse(signUp.body);
    assert.deepEqual(await addressesOf({ ...after[0], headers: { host: `${id}.localhost` } }), []);
    await send(
      after.find(({ url }) => url.pathname === '/sign-up'),
      409,
    );
  });
  const third = await step('kill -9 leaves PostgreSQL, and the next start takes it over', async () => {
    process.kill(-Number(again.child.pid), 'SIGKILL');
    await again.ended;
    const left = postmasterPid();
    const next = launch(process.execPath, 'example-koa/main.ts');
    assert.deepEqual(await housesByTenant(await started(next)), withNew);
    assert.equal(postmasterPid(), left);
    return next;
  });
  await step('Ctrl-C ends with 0', () => end(third, 'SIGINT', { group: true }));
  const password = 'correct-horse-battery';
  const operators = ['OPERATORS_PORT=0', `OPERATORS_PASSWORD=${password}`];
  const fourth = launch('env', ...operators, process.execPath, 'example-koa/main.ts');
  await step('operators have a port of their own', async () => {
    await started(fourth);
    const origin = /^For operators: +(http:\S+)$/m.exec(fourth.output)?.[1];
    const authorization = `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`;
    assert.equal((await fetch(origin)).status, 401);
    assert.match(await (await fetch(origin, { headers: { authorization } })).text(), /href="\/tenants\/acme"/);
    const metrics = await fetch(new URL('/metrics', origin), { headers: { authorization } });
    assert.match(await metrics.text(), /^tenancy_connections_limit\{/m);
  });
  await step('SIGTERM ends with 0', () => end(fourth, 'SIGTERM', { group: false }));
  await cleanUp();
} catch (error) {
  await fail(error);
}

// A process of its own: a resolver that answers nothing for one name until it is told to, and a manager with a server
// of that name and another one. Prints as JSON what requests came to.
import dns from 'node:dns';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';

type Answer = (error: NodeJS.ErrnoException | null, address: string | dns.LookupAddress[], family?: number) => void;

const [url = '', database = ''] = process.argv.slice(2);
const STALLED = 'stalled.example';
const CONNECT_TIMEOUT_MS = 400;

/** Lookups that have no answer yet. */
const pending: (() => void)[] = [];
let isStalled = true;
const lookup = dns.lookup;
dns.lookup = Object.assign(
  (host: string, options: dns.LookupOptions, answer: Answer): void => {
    if (host !== STALLED) {
      lookup(host, options, answer);
      return;
    }
    const found = (): void =>
      options.all === true ? answer(null, [{ address: '127.0.0.1', family: 4 }]) : answer(null, '127.0.0.1', 4);
    if (isStalled) {
      pending.push(found);
    } else {
      setImmediate(found);
    }
  },
  { __promisify__: lookup.__promisify__ },
) as typeof dns.lookup;
syncBuiltinESMExports();

const stalledUrl = new URL(url);
stalledUrl.hostname = STALLED;
const manager = await TenantOrmManager.init({
  orm: { entities: [], discovery: { warnWhenNoEntities: false } },
  servers: {
    stalled: { url: stalledUrl.href, connectTimeoutMs: CONNECT_TIMEOUT_MS, maxConnectionsPerTenant: 2 },
    sound: url,
  },
  catalog: new StaticCatalog([
    { id: 'acme', server: 'stalled', database },
    { id: 'initech', server: 'sound', database },
  ]),
});
const ask = (id: string): Promise<string> =>
  manager.run(id, async (em) => {
    const [row] = await em.execute<{ name: string }[]>('select current_database() as name');
    return row?.name === database ? 'served' : `reached ${row?.name}`;
  });
const outcome = (id: string): Promise<string> => ask(id).catch((error: Error) => error.message);

const startedAt = performance.now();
const stalled = Promise.all(Array.from({ length: 10 }, () => outcome('acme')));
const sound = await Promise.all(Array.from({ length: 20 }, () => outcome('initech')));
const soundTookMs = performance.now() - startedAt;
const refused = await stalled;
const refusedAfterMs = performance.now() - startedAt;
const lookups = pending.length;

// The resolver answers, too late for those who asked: nothing of theirs may come to life.
isStalled = false;
for (const found of pending.splice(0)) {
  found();
}
let again = await outcome('acme');
while (again !== 'served') {
  await once(manager.events, 'connection:opened', { signal: AbortSignal.timeout(50) }).catch(() => {});
  again = await outcome('acme');
}
const connections = manager.stats().servers['stalled']?.requests;

// And once more, while the manager closes.
isStalled = true;
await manager.evict('acme');
const late = outcome('acme');
await new Promise((resolve) => setImmediate(resolve));
const closingAt = performance.now();
await manager.close({ timeoutMs: 200 });
const closedAfterMs = performance.now() - closingAt;
const report = { sound, soundTookMs, refused, refusedAfterMs, lookups, again, connections, closedAfterMs };
console.log(JSON.stringify({ ...report, late: await late, left: manager.stats() }));

// Some requests, each with its own objects; prints how many of them outlive their request while connections idle.
import { AsyncLocalStorage } from 'node:async_hooks';
import { defineEntity, p } from '@mikro-orm/core';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';

const [server = '', database = ''] = process.argv.slice(2);
const House = defineEntity({ name: 'House', properties: { id: p.integer().primary(), address: p.string() } });
const manager = await TenantOrmManager.init({
  orm: { entities: [House] },
  server: { url: server, maxConnectionsPerTenant: 2, leakWarningMs: 60_000 },
  catalog: new StaticCatalog([{ id: 'acme', database }]),
});
const requests = new AsyncLocalStorage<object>();
const objects: WeakRef<object>[] = [];

async function request(n: number): Promise<void> {
  const context = { body: Array.from({ length: 1_000 }, () => n) };
  objects.push(new WeakRef(context));
  await requests.run(context, () =>
    manager.run('acme', async (em) => {
      const house = em.create(House, { id: n, address: `house ${n}` });
      await em.persist(house).flush();
      await em.transactional((tx) => tx.find(House, {}));
      objects.push(new WeakRef(em), new WeakRef(house));
    }),
  );
}

/** Waits for a connection, and leaves by its signal or is served. */
async function waitingRequest(n: number, isGone: boolean): Promise<void> {
  const context = { body: Array.from({ length: 1_000 }, () => n) };
  const controller = new AbortController();
  objects.push(new WeakRef(context), new WeakRef(controller));
  await requests.run(context, async () => {
    const run = manager.run(
      'acme',
      (em) => {
        objects.push(new WeakRef(em));
        return em.count(House);
      },
      { signal: controller.signal },
    );
    if (isGone) {
      await new Promise((resolve) => setImmediate(resolve));
      controller.abort(new Error('gone'));
    }
    await run.catch(() => {});
  });
}

await Promise.all([1, 2, 3].map(request));
await request(4);
await Promise.all([...[5, 6].map(request), ...[false, true, true].map((isGone, n) => waitingRequest(n, isGone))]);
for (let n = 0; n < 20; n += 1) {
  await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc?.();
}
const alive = objects.filter((ref) => ref.deref() !== undefined).length;
const { idle } = manager.stats().servers['default']?.requests ?? { idle: 0 };
console.log(JSON.stringify({ alive, of: objects.length, idle, hasGc: globalThis.gc !== undefined }));
await manager.close();

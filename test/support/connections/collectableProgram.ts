// Some requests, each with its own objects; prints how many of them outlive their request while connections idle.
import { AsyncLocalStorage } from 'node:async_hooks';
import { defineEntity, p } from '@mikro-orm/core';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';

const [server = '', database = ''] = process.argv.slice(2);
const House = defineEntity({ name: 'House', properties: { id: p.integer().primary(), address: p.string() } });
const manager = await TenantOrmManager.init({
  orm: { entities: [House] },
  server,
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

await Promise.all([1, 2, 3].map(request));
await request(4);
for (let n = 0; n < 20; n += 1) {
  await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc?.();
}
const alive = objects.filter((ref) => ref.deref() !== undefined).length;
const { idle } = manager.stats().servers['default']?.requests ?? { idle: 0 };
console.log(JSON.stringify({ alive, of: objects.length, idle, hasGc: globalThis.gc !== undefined }));
await manager.close();

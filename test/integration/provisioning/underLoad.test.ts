import { describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { byHeader, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { queryAt, serverUrl } from '../../support/databases.ts';
import { OwnPostgres } from '../../support/faults/OwnPostgres.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';
import { LifeWorld } from '../../support/provisioning/LifeWorld.ts';

const TENANTS = 50;
const PER_SECOND = 200;

/** What clients know of one tenant. */
interface Known {
  readonly acknowledged: Set<number>;
  readonly sent: Set<number>;
}

describe('a fleet under load', () => {
  it('loses, doubles and crosses no row while tenants are provisioned, moved and dropped', async () => {
    await using other = await OwnPostgres.start({ max_connections: 100 });
    await using world = await LifeWorld.create({ otherUrl: other.url });
    // A busy machine may need longer for what is under way than the other tests have.
    const provisioning = { drainTimeoutMs: 10_000 };
    const [serving, operating] = [await world.manager({ provisioning }), await world.manager({ provisioning })];
    const ids = Array.from({ length: TENANTS }, (_, n) => `t${n}`);
    for (const id of ids) {
      await operating.provision({ id, server: 'default' });
    }
    await using server = await KoaServer.start(
      tenancy(serving, { resolve: [byHeader('x-tenant', { trusted: true })], authorize: trustResolution }),
      async (ctx) => {
        const em = RequestContext.getEntityManager() as EntityManager;
        await em.execute('insert into house (address) values (?)', [`${ctx.get('x-tenant')} ${ctx.get('x-sequence')}`]);
        const [row] = await em.execute<{ name: string }[]>('select current_database() as name');
        ctx.body = row;
      },
    );
    const known = new Map<string, Known>();
    const unexpected: string[] = [];
    const counts = { ok: 0, unavailable: 0, gone: 0 };
    let sequence = 0;
    const gone = new Set<string>();
    const send = async (id: string): Promise<void> => {
      sequence += 1;
      const own = sequence;
      const of = known.get(id) ?? { acknowledged: new Set(), sent: new Set() };
      known.set(id, of.sent.add(own) && of);
      const response = await fetch(`http://127.0.0.1:${server.port}/`, {
        headers: { 'x-tenant': id, 'x-sequence': String(own) },
      });
      const text = await response.text();
      if (response.status === 200) {
        counts.ok += 1;
        of.acknowledged.add(own);
        if (text !== JSON.stringify({ name: world.databaseOf(id) })) {
          unexpected.push(`${id} got ${text}`);
        }
      } else if (response.status === 503 && response.headers.has('retry-after')) {
        counts.unavailable += 1;
      } else if (response.status === 404 && gone.has(id)) {
        counts.gone += 1;
      } else {
        unexpected.push(`${id}: ${response.status} ${text}`);
      }
    };
    let isOver = false;
    const load = (async () => {
      const under = new Set<Promise<void>>();
      const startedAt = performance.now();
      for (let n = 0; !isOver; n += 1) {
        const request = send(ids[n % ids.length] as string).finally(() => under.delete(request));
        under.add(request);
        const dueIn = startedAt + ((n + 1) * 1_000) / PER_SECOND - performance.now();
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueIn)));
      }
      await Promise.all(under);
      return (performance.now() - startedAt) / 1_000;
    })();
    for (let n = 0; n < 10; n += 1) {
      const id = `new${n}`;
      await operating.provision({ id, server: n % 2 === 0 ? 'default' : 'other' });
      ids.push(id);
      if (n % 2 === 0) {
        await operating.move(`t${n}`, { to: 'other' });
        gone.add(`t${n + 1}`);
        await operating.drop(`t${n + 1}`);
      }
    }
    isOver = true;
    const seconds = await load;
    if (process.env['PRINT_COUNTS'] !== undefined) {
      console.log(JSON.stringify({ ...counts, seconds }));
    }
    expect(unexpected).toEqual([]);
    expect(counts.ok).toBeGreaterThan(100);
    expect((counts.ok + counts.unavailable + counts.gone) / seconds).toBeGreaterThan(PER_SECOND / 4);
    for (const id of ids.filter((one) => !gone.has(one))) {
      const { server: on } = (await operating.catalog.find(id)) ?? {};
      const rows = await queryAt<{ address: string }>(
        on === 'other' ? other.url : serverUrl(),
        "select address from house where address not like 'first house%'",
        [],
        world.databaseOf(id),
      );
      const found = rows.map(({ address }) => address);
      const of = known.get(id) ?? { acknowledged: new Set<number>(), sent: new Set<number>() };
      expect(new Set(found).size).toBe(found.length);
      expect([...of.acknowledged].filter((one) => !found.includes(`${id} ${one}`))).toEqual([]);
      expect(found.filter((one) => ![...of.sent].some((sent) => one === `${id} ${sent}`))).toEqual([]);
    }
  }, 120_000);
});

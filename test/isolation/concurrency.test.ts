import { EventEmitter, once } from 'node:events';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { currentTenant } from 'mikro-orm-multitenancy';
import { House, Tag } from '../support/isolation/entities.ts';
import { tenantReached } from '../support/isolation/reached.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

const ids = ['acme', 'globex', 'initech'];

describe('tenants at the same time', () => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create({ ids });
  });
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  /** Which tenant the code that calls it runs as, by every way of asking. */
  const whoIsIt = async (): Promise<string> => {
    const { em } = world.manager;
    const [tag] = await em.find(Tag, { id: 1 });
    const answers = new Set([currentTenant()?.id, await tenantReached(em), tag?.name.split(' ')[0]]);
    return [...answers].join(' and ');
  };

  it('by Promise.all are each in their own', async () => {
    const order = Array.from({ length: 60 }, (_, n) => ids[n % ids.length] as string);
    expect(await Promise.all(order.map((id) => world.manager.run(id, whoIsIt)))).toEqual(order);
  });

  it('by Promise.all inside a run and a transaction of one of them are each in their own', async () => {
    await world.manager.run('acme', (em) =>
      em.transactional(async () => {
        const inside = [...ids, ...ids].map((id) => world.manager.run(id, whoIsIt));
        expect(await Promise.all([whoIsIt(), ...inside, whoIsIt()])).toEqual(['acme', ...ids, ...ids, 'acme']);
      }),
    );
  });

  it('by manager.each are each in their own', async () => {
    const results = await world.manager.each(whoIsIt, { concurrency: 3 });
    expect(results).toEqual(ids.map((id) => ({ tenantId: id, ok: true, value: id })));
  });

  it('by Promise.race leave the slower one in its own', async () => {
    const { promise: isDecided, resolve: decide } = Promise.withResolvers<void>();
    const slow = world.manager.run('acme', () => isDecided.then(whoIsIt));
    const fast = world.manager.run('globex', whoIsIt);
    expect(await Promise.race([slow, fast])).toBe('globex');
    decide();
    expect(await slow).toBe('acme');
  });

  it('have one opened ORM each, however many ask first', async () => {
    await Promise.all(ids.map((id) => world.manager.evict(id)));
    const opened: string[] = [];
    const listener = ({ tenantId }: { readonly tenantId: string }) => opened.push(tenantId);
    world.manager.events.on('tenant:opened', listener);
    const order = Array.from({ length: 99 }, (_, n) => ids[n % ids.length] as string);
    await Promise.all(order.map((id) => world.manager.run(id, async () => {})));
    world.manager.events.off('tenant:opened', listener);
    expect(opened.toSorted()).toEqual(ids);
  });

  describe('through what calls back', () => {
    it('timers keep the tenant that set them', async () => {
      const timers = {
        setTimeout: (fn: () => void) => setTimeout(fn, 1),
        setImmediate: (fn: () => void) => setImmediate(fn),
        nextTick: (fn: () => void) => process.nextTick(fn),
        queueMicrotask: (fn: () => void) => queueMicrotask(fn),
      };
      for (const schedule of Object.values(timers)) {
        const seen = ids.map((id) =>
          world.manager.run(id, () => new Promise<string>((resolve) => schedule(() => resolve(whoIsIt())))),
        );
        expect(await Promise.all(seen)).toEqual(ids);
      }
    });

    it('an interval keeps the tenant that set it', async () => {
      const seen = await world.manager.run('globex', async () => {
        const answers: Promise<string>[] = [];
        await new Promise<void>((resolve) => {
          const interval = setInterval(() => {
            if (answers.push(whoIsIt()) === 3) {
              clearInterval(interval);
              resolve();
            }
          }, 1);
        });
        return Promise.all(answers);
      });
      expect(seen).toEqual(['globex', 'globex', 'globex']);
    });

    it('an event emitter shows a listener the tenant that emits, and a promise the tenant that awaits', async () => {
      const emitter = new EventEmitter();
      const heard: Promise<string>[] = [];
      await world.manager.run('acme', async () => {
        emitter.on('ping', () => heard.push(whoIsIt()));
        const awaited = once(emitter, 'ping').then(whoIsIt);
        await world.manager.run('globex', async () => {
          emitter.emit('ping');
          await Promise.all(heard);
        });
        expect(await awaited).toBe('acme');
      });
      expect(await Promise.all(heard)).toEqual(['globex']);
    });

    it('a listener that restores a captured tenant is in that one', async () => {
      const emitter = new EventEmitter();
      const heard = new Promise<string>((resolve) => {
        emitter.on('ping', (id: string) => resolve(world.manager.run(id, whoIsIt)));
      });
      await world.manager.run('acme', () => emitter.emit('ping', 'globex'));
      expect(await heard).toBe('globex');
    });

    it('em.stream of several tenants, read in turns, gives each its own rows', async () => {
      const read = ids.map((id) =>
        world.manager.run(id, async (em) => {
          const rows: string[] = [];
          for await (const house of em.stream(House, { orderBy: { id: 'asc' }, populate: ['owner'] })) {
            rows.push(`${house.address}, ${house.owner?.name ?? ''}, ${await tenantReached(world.manager.em)}`);
          }
          return rows;
        }),
      );
      const expected = ids.map((id) => [1, 2, 3].map((n) => `${id} house ${n}, ${id} person ${n}, ${id}`));
      expect(await Promise.all(read)).toEqual(expected);
    });

    it('em.stream that is read in the run of another tenant gives the rows of its own', async () => {
      await world.manager.run('acme', (em) =>
        world.manager.run('globex', async () => {
          const rows: string[] = [];
          for await (const tag of em.stream(Tag, { orderBy: { id: 'asc' } })) {
            rows.push(`${tag.name}, ${await whoIsIt()}`);
          }
          expect(rows).toEqual([1, 2, 3].map((n) => `acme tag ${n}, globex`));
        }),
      );
    });

    it('em.stream that is left early gives its connection back', async () => {
      await world.manager.run('acme', async (em) => {
        for await (const house of em.stream(House)) {
          expect(house.address).toMatch(/^acme/);
          break;
        }
        expect(world.manager.stats().servers['default']?.requests.inUse).toBe(0);
      });
    });

    it('node streams keep the tenant that made them', async () => {
      const seen = ids.map((id) =>
        world.manager.run(id, async () => {
          const chunks: string[] = [];
          const source = Readable.from(
            (async function* () {
              yield await whoIsIt();
              yield await whoIsIt();
            })(),
          );
          await pipeline(source, async (from: AsyncIterable<string>) => {
            for await (const chunk of from) {
              chunks.push(chunk, await whoIsIt());
            }
          });
          await finished(source);
          return chunks;
        }),
      );
      expect(await Promise.all(seen)).toEqual(ids.map((id) => Array(4).fill(id)));
    });
  });

  it('give each connection that one tenant releases only to that tenant again', async () => {
    const pids = async (): Promise<Map<number, Set<string>>> => {
      const used = new Map<number, Set<string>>();
      await Promise.all(
        Array.from({ length: 60 }, (_, n) => ids[n % ids.length] as string).map((id) =>
          world.manager.run(id, async (em) => {
            const [row] = await em.execute<{ pid: number }[]>('select pg_backend_pid() as pid');
            const pid = row?.pid ?? 0;
            used.set(pid, (used.get(pid) ?? new Set()).add(id));
          }),
        ),
      );
      return used;
    };
    for (const tenants of (await pids()).values()) {
      expect(tenants.size).toBe(1);
    }
  });
});

import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { LookupCache, type LookupCacheOptions } from '../../../src/catalog/LookupCache.ts';
import { CatalogUnavailableError } from '../../../src/errors.ts';
import { FakeClock } from '../../support/FakeClock.ts';
import { settled } from '../../support/settled.ts';

interface Value {
  readonly is: string;
}

/** A cache over values that the test sets, and how often each was asked for. */
function world(over: Partial<LookupCacheOptions> = {}) {
  const clock = new FakeClock();
  const values = new Map<string, Value>();
  const asked: string[] = [];
  const state: { failure: Error | undefined; gate: Promise<void> | undefined } = {
    failure: undefined,
    gate: undefined,
  };
  const options = {
    positiveTtlMs: 30_000,
    negativeTtlMs: 3_000,
    staleOnErrorMs: 600_000,
    maxEntries: 3,
    maxLookups: 2,
  };
  const source = async (key: string): Promise<Value | undefined> => {
    asked.push(key);
    const [value, { failure }] = [values.get(key), { ...state }];
    await state.gate;
    if (failure !== undefined) {
      throw failure;
    }
    return value;
  };
  return { clock, values, asked, state, cache: new LookupCache(source, { ...options, ...over, clock }) };
}

describe('LookupCache', () => {
  it('asks once for a hit in 30 s, and once for a miss in 3 s', async () => {
    const { clock, values, asked, cache } = world();
    values.set('a', { is: 'one' });
    for (const byMs of [0, 2_999, 1, 26_999, 1]) {
      clock.advance(byMs);
      await cache.get('a');
      expect(await cache.get('none')).toBeUndefined();
    }
    expect(asked.filter((key) => key === 'a')).toHaveLength(2);
    expect(asked.filter((key) => key === 'none')).toHaveLength(3);
  });

  it('asks once for all who ask at the same time', async () => {
    const { values, asked, cache } = world();
    values.set('a', { is: 'one' });
    const all = await Promise.all(Array.from({ length: 100 }, () => cache.get('a')));
    expect(new Set(all).size).toBe(1);
    expect(asked).toEqual(['a']);
  });

  it('keeps what was used last, and no more than it may', async () => {
    const { values, asked, cache } = world();
    for (const key of ['a', 'b', 'c', 'a', 'd']) {
      values.set(key, { is: key });
      await cache.get(key);
    }
    expect(cache.keys().sort()).toEqual(['a', 'c', 'd']);
    await cache.get('a');
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives the last answer while the source fails, and asks it once a second meanwhile', async () => {
    const { clock, values, asked, state, cache } = world();
    values.set('a', { is: 'old' });
    await cache.get('a');
    state.failure = new Error('down');
    clock.advance(30_000);
    for (let n = 0; n < 100; n += 1) {
      expect(await cache.get('a')).toEqual({ is: 'old' });
      clock.advance(20);
    }
    await settled();
    expect(asked.length).toBeLessThanOrEqual(4);
    await expect(cache.get('b')).rejects.toThrow(CatalogUnavailableError);
    state.failure = undefined;
    values.set('a', { is: 'new' });
    clock.advance(1_000);
    await cache.get('a');
    await settled();
    expect(await cache.get('a')).toEqual({ is: 'new' });
  });

  it('waits five seconds for a source that never answers, once, and no time at all after that', async () => {
    const { clock, values, state, cache } = world();
    values.set('a', { is: 'old' });
    await cache.get('a');
    state.gate = new Promise(() => {});
    clock.advance(30_000);
    const first = cache.get('a');
    clock.advance(5_000);
    expect(await first).toEqual({ is: 'old' });
    expect(await cache.get('a')).toEqual({ is: 'old' });
    const unknown = cache.get('b');
    clock.advance(5_000);
    await expect(unknown).rejects.toThrow(/no answer within 5000 ms/);
    expect(clock.pending).toBe(0);
  });

  it('gives no answer that is older than ten minutes', async () => {
    const { clock, values, state, cache } = world();
    values.set('a', { is: 'old' });
    await cache.get('a');
    state.failure = new Error('down');
    clock.advance(599_999);
    expect(await cache.get('a')).toEqual({ is: 'old' });
    clock.advance(1);
    await expect(cache.get('a')).rejects.toMatchObject({
      code: 'CATALOG_UNAVAILABLE',
      status: 503,
      cause: state.failure,
    });
  });

  it('does not keep an answer that was on its way when the key changed', async () => {
    const { values, state, cache } = world();
    values.set('a', { is: 'old' });
    const gate = Promise.withResolvers<void>();
    state.gate = gate.promise;
    const early = cache.get('a');
    values.set('a', { is: 'new' });
    cache.drop('a');
    const late = cache.get('a');
    gate.resolve();
    expect([await early, await late]).toEqual([{ is: 'old' }, { is: 'new' }]);
    expect(await cache.get('a')).toEqual({ is: 'new' });
  });

  it('refuses to look up more keys at once than it may, and waits for none of them', async () => {
    const { state, cache } = world();
    const gate = Promise.withResolvers<void>();
    state.gate = gate.promise;
    const two = [cache.get('a'), cache.get('b')];
    await expect(cache.get('c')).rejects.toThrow(/too many tenants are looked up at once/);
    gate.resolve();
    expect(await Promise.all(two)).toEqual([undefined, undefined]);
    expect(await cache.get('c')).toBeUndefined();
  });

  it('remembers no more than ten thousand names that nobody has', async () => {
    const { cache } = world();
    for (let n = 0; n < 12_000; n += 1) {
      await cache.get(`none-${n}`);
    }
    expect(cache.size).toBe(10_000);
  });

  it('asks in no request’s async context', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const clock = new FakeClock();
    const options = { positiveTtlMs: 1, negativeTtlMs: 1, staleOnErrorMs: 1, maxEntries: 1, maxLookups: 1, clock };
    const cache = new LookupCache<Value>(async () => {
      seen.push(storage.getStore());
      return undefined;
    }, options);
    await storage.run('request', () => cache.get('a'));
    expect(seen).toEqual([undefined]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { KeyedQueue } from '../../../src/migrations/KeyedQueue.ts';
import { settled } from '../../support/settled.ts';

describe('a keyed queue', () => {
  it('runs the work of one key one piece after the other, in its order', async () => {
    const queue = new KeyedQueue();
    const log: string[] = [];
    const work = (name: string) => async () => {
      log.push(`${name} begins`);
      await settled();
      log.push(`${name} ends`);
      return name;
    };
    const results = await Promise.all(['one', 'two', 'three'].map((name) => queue.run('acme', work(name))));
    expect(results).toEqual(['one', 'two', 'three']);
    expect(log).toEqual(['one begins', 'one ends', 'two begins', 'two ends', 'three begins', 'three ends']);
  });

  it('keeps what came meanwhile in its order, where work has ended that came before it', async () => {
    const queue = new KeyedQueue();
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const log: string[] = [];
    const ends = [
      queue.run('acme', () => first.promise),
      queue.run('acme', () => second.promise.then(() => log.push('second'))),
    ];
    first.resolve();
    await settled();
    ends.push(queue.run('acme', async () => log.push('third')));
    await settled();
    second.resolve();
    await Promise.all(ends);
    expect(log).toEqual(['second', 'third']);
  });

  it('forgets a key that has no more work, also where that failed', async () => {
    const queue = new KeyedQueue();
    const ends = [queue.run('acme', async () => 1), queue.run('globex', () => Promise.reject(new Error('broken')))];
    expect(queue.size).toBe(2);
    await Promise.allSettled(ends);
    await settled();
    expect(queue.size).toBe(0);
  });

  it('does not let one key wait for another', async () => {
    const queue = new KeyedQueue();
    const { promise, resolve } = Promise.withResolvers<string>();
    const slow = queue.run('slow', () => promise);
    expect(await queue.run('quick', async () => 'done')).toBe('done');
    resolve('at last');
    expect(await slow).toBe('at last');
  });

  it('goes on after a failure, which only its own caller hears of', async () => {
    const queue = new KeyedQueue();
    const failing = queue.run('acme', async () => {
      throw new Error('broken');
    });
    const next = queue.run('acme', async () => 'fine');
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('fine');
  });

  it('runs what throws before its first promise like any other failure', async () => {
    const queue = new KeyedQueue();
    const work = (): Promise<never> => {
      throw new Error('at once');
    };
    await expect(queue.run('acme', work)).rejects.toThrow('at once');
    expect(await queue.run('acme', async () => 1)).toBe(1);
  });
});

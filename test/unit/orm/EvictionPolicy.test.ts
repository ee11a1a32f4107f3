import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { EvictionPolicy } from '../../../src/orm/EvictionPolicy.ts';
import { FakeClock } from '../../support/FakeClock.ts';

function policyOf(limits: { maxOpenTenants?: number; idleTimeoutMs?: number } = {}) {
  const clock = new FakeClock();
  const evicted: string[] = [];
  const policy = new EvictionPolicy<string>(
    { maxOpenTenants: 3, idleTimeoutMs: 1_000, ...limits },
    (handle, reason) => evicted.push(`${handle} ${reason}`),
    clock,
  );
  const use = (...handles: readonly string[]): void => {
    for (const handle of handles) {
      policy.leased(handle);
      policy.released(handle);
      clock.advance(1);
    }
  };
  return { clock, evicted, policy, use };
}

describe('the eviction policy', () => {
  it('evicts the least recently used above the cap', () => {
    const { evicted, use } = policyOf();
    use('a', 'b', 'c', 'a', 'd');
    expect(evicted).toEqual(['b capacity']);
  });

  it('never evicts what is leased, even above the cap', () => {
    const { evicted, policy, use } = policyOf({ maxOpenTenants: 1 });
    policy.leased('a');
    policy.leased('b');
    expect(evicted).toEqual([]);
    use('c');
    expect(evicted).toEqual(['c capacity']);
    policy.released('a');
    expect(evicted).toEqual(['c capacity', 'a capacity']);
    policy.released('b');
    expect(evicted).toEqual(['c capacity', 'a capacity']);
  });

  it('evicts what was idle for too long, each at its own time', () => {
    const { clock, evicted, use } = policyOf();
    use('a');
    clock.advance(499);
    use('b');
    clock.advance(498);
    expect(evicted).toEqual([]);
    clock.advance(1);
    expect(evicted).toEqual(['a idle']);
    clock.advance(500);
    expect(evicted).toEqual(['a idle', 'b idle']);
    expect(clock.pending).toBe(0);
  });

  it('begins the idle time anew with each use', () => {
    const { clock, evicted, use } = policyOf();
    use('a');
    clock.advance(900);
    use('a');
    clock.advance(900);
    expect(evicted).toEqual([]);
    clock.advance(100);
    expect(evicted).toEqual(['a idle']);
  });

  it('does not evict a handle that is leased when its old time comes', () => {
    const { clock, evicted, policy, use } = policyOf();
    use('a');
    policy.leased('a');
    clock.advance(5_000);
    expect(evicted).toEqual([]);
  });

  it('evicts a handle that was opened and never leased', () => {
    const { clock, evicted, policy } = policyOf();
    policy.opened('a');
    clock.advance(1_000);
    expect(evicted).toEqual(['a idle']);
  });

  it('keeps a handle that was just opened, whatever the cap, so that whoever opened it can lease it', () => {
    const { evicted, policy } = policyOf({ maxOpenTenants: 1 });
    policy.leased('a');
    policy.opened('b');
    expect(evicted).toEqual([]);
    policy.leased('b');
    policy.opened('b');
    policy.released('b');
    expect(evicted).toEqual(['b capacity']);
  });

  it('forgets a handle that was closed otherwise', () => {
    const { clock, evicted, policy, use } = policyOf();
    use('a');
    policy.leased('b');
    policy.forget('a');
    policy.forget('b');
    policy.released('b');
    clock.advance(5_000);
    expect(evicted).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('has no timer after it was stopped', () => {
    const { clock, policy, use } = policyOf();
    use('a');
    expect(clock.pending).toBe(1);
    policy.stop();
    expect(clock.pending).toBe(0);
  });

  it('sweeps in no request’s async context', () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const timers: (() => void)[] = [];
    const clock = {
      now: () => 0,
      schedule: (_delayMs: number, fn: () => void) => {
        seen.push(storage.getStore());
        timers.push(fn);
        return () => {};
      },
    };
    const policy = new EvictionPolicy<string>({ maxOpenTenants: 3, idleTimeoutMs: 10 }, () => {}, clock);
    storage.run('a request', () => {
      policy.leased('a');
      policy.released('a');
    });
    expect(timers).toHaveLength(1);
    expect(seen).toEqual([undefined]);
  });
});

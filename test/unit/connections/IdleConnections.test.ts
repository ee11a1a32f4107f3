import { describe, expect, it } from '@jest/globals';
import { IdleConnections } from '../../../src/connections/IdleConnections.ts';
import { FakeConnection } from '../../support/connections/BudgetWorld.ts';
import { FakeClock } from '../../support/FakeClock.ts';

const NEVER = Number.POSITIVE_INFINITY;

function idleOnes() {
  const clock = new FakeClock();
  clock.advance(5_000);
  const idle = new IdleConnections<FakeConnection>(clock, 1_000, (fn) => fn());
  const log: string[] = [];
  const owner = {
    giveUp: (connection: FakeConnection, cause: string) => {
      idle.remove(connection);
      log.push(`${connection.tenantId} ${cause}`);
    },
  };
  const add = (name: string, expiresAt = NEVER): FakeConnection => {
    const connection = new FakeConnection(name);
    idle.add(connection, owner, expiresAt);
    return connection;
  };
  const comeBackTo = (connection: FakeConnection): void => {
    idle.reuse(connection);
    idle.add(connection, owner, NEVER);
  };
  return { clock, idle, log, add, comeBackTo };
}

describe('idle connections', () => {
  it('are counted, whether somebody came back to them or not, and know for how long they have been idle', () => {
    const { clock, idle, add, comeBackTo } = idleOnes();
    const [first, second] = [add('first'), add('second')];
    comeBackTo(first);
    clock.advance(300);
    expect(idle.size).toBe(2);
    expect(idle.idleForMs(first)).toBe(300);
    expect(idle.reuse(second)).toBe(300);
    expect(idle.idleForMs(second)).toBe(0);
    expect(idle.size).toBe(1);
  });

  it('are given up one at a time, the one first that nobody came back to, be it idle for less', () => {
    const { clock, idle, log, add, comeBackTo } = idleOnes();
    comeBackTo(add('regular'));
    clock.advance(10);
    add('passing');
    clock.advance(10);
    expect([idle.giveUpOne(), idle.giveUpOne(), idle.giveUpOne()]).toEqual([true, true, false]);
    expect(log).toEqual(['passing stolen', 'regular stolen']);
  });

  it.each([
    [160, 'passing'],
    [161, 'regular'],
  ])('that somebody came back to are kept sixteen times as long: idle for %d ms beside 10 ms, %s goes', (ms, first) => {
    const { clock, idle, log, add, comeBackTo } = idleOnes();
    comeBackTo(add('regular'));
    clock.advance(ms - 10);
    add('passing');
    clock.advance(10);
    idle.giveUpOne();
    expect(log).toEqual([`${first} stolen`]);
  });

  it('are closed in time, also one that expires before those that were there', () => {
    const { clock, log, add } = idleOnes();
    add('first');
    add('old', 5_200);
    clock.advance(199);
    expect(log).toEqual([]);
    clock.advance(1);
    expect(log).toEqual(['old expired']);
    clock.advance(800);
    expect(log).toEqual(['old expired', 'first idle']);
    expect(clock.pending).toBe(0);
  });

  it('have one timer, and none once they are stopped', () => {
    const { clock, idle, add } = idleOnes();
    add('first');
    add('old', 5_200);
    add('second');
    expect(clock.pending).toBe(1);
    idle.stop();
    expect(clock.pending).toBe(0);
  });
});

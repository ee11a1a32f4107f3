import { describe, expect, it } from '@jest/globals';
import { type TenancyEvents, TenantBehindError } from 'mikro-orm-multitenancy';
import { TenancyEmitter } from '../../../src/events.ts';
import { TenantGate } from '../../../src/migrations/gate/TenantGate.ts';
import type { CheckedVersionGate } from '../../../src/migrations/gate/VersionGateOptions.ts';
import { FakeClock } from '../../support/FakeClock.ts';
import { settled } from '../../support/settled.ts';

const OPTIONS: CheckedVersionGate = { requires: 'two', whenBehind: 'refuse', retryAfterMs: 5_000, waitMs: 10_000 };

/** A gate over a list of migrations in memory. */
class GateWorld {
  readonly clock = new FakeClock();
  readonly behind: TenancyEvents['tenant:behind'][] = [];
  readonly failed: unknown[] = [];
  readonly gate: TenantGate;
  executed: string[] = ['one'];
  looks = 0;
  migrations = 0;
  migrate: () => Promise<void> = async () => {
    this.executed.push('two');
  };
  readonly closing = new AbortController();

  constructor(whenBehind: CheckedVersionGate['whenBehind']) {
    const events = new TenancyEmitter();
    events.on('tenant:behind', (event) => this.behind.push(event));
    events.on('migration:failed', ({ error }) => this.failed.push(error));
    this.gate = new TenantGate({
      tenantId: 'acme',
      options: { ...OPTIONS, whenBehind },
      required: ['one', 'two'],
      events,
      clock: this.clock,
      executed: async () => {
        this.looks += 1;
        return [...this.executed];
      },
      migrate: async () => {
        this.migrations += 1;
        await this.migrate();
      },
      closing: this.closing.signal,
      outside: (fn) => fn(),
    });
  }

  /** What a caller comes to: `passed`, or the reason why not. */
  async pass(): Promise<unknown> {
    return this.gate.pass().then(
      () => 'passed',
      (error: unknown) => error,
    );
  }
}

describe('the gate of a tenant', () => {
  it('looks once for all callers of a tenant that has what is required, whatever else it has', async () => {
    const world = new GateWorld('refuse');
    world.executed = ['two', 'one', 'newer'];
    expect(await Promise.all([world.pass(), world.pass(), world.pass()])).toEqual(['passed', 'passed', 'passed']);
    expect(world.gate.isPassed).toBe(true);
    expect(world.looks).toBe(1);
    expect(world.behind).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  it('takes a gap before the required migration for behind', async () => {
    const world = new GateWorld('refuse');
    world.executed = ['two'];
    expect(await world.pass()).toMatchObject({ message: expect.stringContaining('the first of them "one"') });
  });

  it('refuses, looks again after a second and not before, and passes once another process has migrated', async () => {
    const world = new GateWorld('refuse');
    const refused = await world.pass();
    expect(refused).toBeInstanceOf(TenantBehindError);
    expect(refused).toMatchObject({ status: 503, retryAfterSeconds: 5, requires: 'two', tenantId: 'acme' });
    world.executed = ['one', 'two'];
    world.clock.advance(999);
    expect(await world.pass()).toBeInstanceOf(TenantBehindError);
    expect(world.looks).toBe(1);
    world.clock.advance(1);
    expect(await world.pass()).toBe('passed');
    expect(world.looks).toBe(2);
    expect(world.behind).toEqual([{ tenantId: 'acme', pending: ['two'], whenBehind: 'refuse' }]);
  });

  it('serves a tenant that is behind, and says it once', async () => {
    const world = new GateWorld('serve');
    expect(await Promise.all([world.pass(), world.pass()])).toEqual(['passed', 'passed']);
    expect(world.gate.isPassed).toBe(true);
    expect(world.behind).toHaveLength(1);
  });

  it('migrates once for all callers, and looks again', async () => {
    const world = new GateWorld('migrate');
    expect(await Promise.all([world.pass(), world.pass()])).toEqual(['passed', 'passed']);
    expect([world.migrations, world.looks]).toEqual([1, 2]);
  });

  it('refuses where the migration applied less than what is required', async () => {
    const world = new GateWorld('migrate');
    world.migrate = async () => {};
    expect(await world.pass()).toMatchObject({ code: 'TENANT_BEHIND' });
  });

  it('lets callers wait for their time only, while the migration goes on for those who come later', async () => {
    const world = new GateWorld('migrate');
    const migrated = Promise.withResolvers<void>();
    world.migrate = () => migrated.promise;
    const first = world.pass();
    await settled();
    world.clock.advance(6_000);
    const second = world.pass();
    await settled();
    world.clock.advance(4_000);
    expect(await first).toMatchObject({ code: 'TENANT_BEHIND', message: expect.stringContaining('10000 ms') });
    world.executed.push('two');
    migrated.resolve();
    expect(await second).toBe('passed');
    expect(world.migrations).toBe(1);
    expect(world.clock.pending).toBe(0);
  });

  it('leaves a migration that failed alone for the time that clients are told', async () => {
    const world = new GateWorld('migrate');
    const cause = new Error('no such table');
    world.migrate = () => Promise.reject(cause);
    for (let n = 0; n < 3; n += 1) {
      expect(await world.pass()).toMatchObject({ code: 'TENANT_BEHIND', cause });
    }
    expect(world.migrations).toBe(1);
    expect(world.failed).toEqual([cause]);
    world.clock.advance(5_000);
    world.migrate = async () => {
      world.executed.push('two');
    };
    expect(await world.pass()).toBe('passed');
    expect(world.migrations).toBe(2);
  });

  it('tells of a migration that failed even when nobody waits for it any more', async () => {
    const world = new GateWorld('migrate');
    const migrated = Promise.withResolvers<void>();
    world.migrate = () => migrated.promise;
    const only = world.pass();
    await settled();
    world.clock.advance(10_000);
    expect(await only).toBeInstanceOf(TenantBehindError);
    migrated.reject(new Error('too late'));
    await settled();
    expect(world.failed).toEqual([new Error('too late')]);
  });

  it('looks again when something was applied or reverted, be it during the look', async () => {
    const world = new GateWorld('refuse');
    world.executed = ['one', 'two'];
    const passing = world.pass();
    world.gate.forget();
    expect(await passing).toBe('passed');
    expect(world.gate.isPassed).toBe(false);
    world.executed = ['one'];
    expect(await world.pass()).toBeInstanceOf(TenantBehindError);
    world.executed.push('two');
    world.gate.forget();
    expect(await world.pass()).toBe('passed');
    expect(world.gate.isPassed).toBe(true);
    expect([world.looks, world.behind.length]).toEqual([3, 1]);
  });

  it('does not remember that a look failed', async () => {
    const world = new GateWorld('refuse');
    world.executed = undefined as never;
    expect(await world.pass()).toBeInstanceOf(TypeError);
    world.executed = ['one', 'two'];
    expect(await world.pass()).toBe('passed');
  });

  it('turns callers away at once when the manager closes, and calls no migration failed', async () => {
    const world = new GateWorld('migrate');
    const migrated = Promise.withResolvers<void>();
    world.migrate = () => migrated.promise;
    const waiting = world.pass();
    await settled();
    const reason = new Error('closed');
    world.closing.abort(reason);
    expect(await waiting).toBe(reason);
    migrated.reject(new Error('cut off'));
    await settled();
    expect(world.failed).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });
});

import { describe, expect, it } from '@jest/globals';
import type { FleetStatus, Tenant } from 'mikro-orm-multitenancy';
import { TenantVersions } from '../../../src/dashboard/TenantVersions.ts';
import { TenancyEmitter } from '../../../src/events.ts';

const tenant = (id: string, more: Partial<Tenant> = {}): Tenant => ({ id, database: id, ...more });

/** A reading of the fleet's status that answers when it is told to. */
class Readings {
  readonly asked: (readonly string[])[] = [];
  readonly events = new TenancyEmitter();
  readonly #answers: ((status: FleetStatus) => void)[] = [];
  readonly #failures: ((error: Error) => void)[] = [];

  versions(waitMs: number): TenantVersions {
    return new TenantVersions({
      status: ({ ids }) => {
        this.asked.push(ids);
        return new Promise((resolve, reject) => {
          this.#answers.push(resolve);
          this.#failures.push(reject);
        });
      },
      servers: () => new Set(['default']),
      events: this.events,
      ttlMs: 60_000,
      waitMs,
    });
  }

  answer(n: number, version: string): void {
    const tenants = (this.asked[n] ?? []).map((tenantId) => ({ tenantId, state: 'current', version }));
    this.#answers[n]?.({ tenants } as unknown as FleetStatus);
  }

  fail(n: number): void {
    this.#failures[n]?.(new Error('the central database is away'));
  }
}

const A_DAY = 86_400_000;

describe('the versions of tenants on a page', () => {
  it('are asked for once, however many pages are open, and kept', async () => {
    const readings = new Readings();
    const versions = readings.versions(A_DAY);
    const pages = [versions.of([tenant('acme'), tenant('globex')]), versions.of([tenant('globex'), tenant('hooli')])];
    expect(readings.asked).toEqual([['acme', 'globex'], ['hooli']]);
    readings.answer(0, 'one');
    readings.answer(1, 'one');
    expect((await Promise.all(pages)).map((known) => [...known.keys()])).toEqual([
      ['acme', 'globex'],
      ['globex', 'hooli'],
    ]);
    await versions.of([tenant('acme')]);
    expect(readings.asked).toHaveLength(2);
  });

  it('do not hold a page up that does not wait, and are there on the next one', async () => {
    const readings = new Readings();
    const versions = readings.versions(0);
    expect((await versions.of([tenant('acme')])).size).toBe(0);
    readings.answer(0, 'one');
    await new Promise(setImmediate);
    expect((await versions.of([tenant('acme')])).get('acme')).toMatchObject({ version: 'one' });
  });

  it('are those of after a migration that came while they were read', async () => {
    const readings = new Readings();
    const versions = readings.versions(A_DAY);
    const before = versions.of([tenant('acme')]);
    readings.events.emit('migration:applied', { tenantId: 'acme', migrations: ['two'], tookMs: 1 });
    const after = versions.of([tenant('acme')]);
    readings.answer(0, 'one');
    expect((await before).size).toBe(0);
    readings.answer(1, 'two');
    expect((await after).get('acme')).toMatchObject({ version: 'two' });
  });

  it('are not known where they cannot be read, and asked for again', async () => {
    const readings = new Readings();
    const versions = readings.versions(A_DAY);
    const page = versions.of([tenant('acme')]);
    readings.fail(0);
    expect((await page).size).toBe(0);
    const next = versions.of([tenant('acme')]);
    readings.answer(1, 'one');
    expect((await next).size).toBe(1);
  });

  it('are asked only of tenants with a database that answers, on a server that there is', async () => {
    const readings = new Readings();
    const versions = readings.versions(A_DAY);
    const others = [tenant('archived', { status: 'archived' }), tenant('elsewhere', { server: 'gone' }), tenant('<b>')];
    expect((await versions.of(others)).size).toBe(0);
    expect(readings.asked).toEqual([]);
  });
});

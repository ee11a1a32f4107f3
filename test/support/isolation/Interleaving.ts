import { setImmediate as turn } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { currentTenant, type TenantOrmManager, WrongTenantError } from 'mikro-orm-multitenancy';
import { House, Person } from './entities.ts';
import { tenantReached } from './reached.ts';

/** One thing that code of a tenant does. `through` says by which EntityManager; `tenant` is an index. */
export type Operation = { readonly through: 'fork' | 'manager.em' } & (
  | { readonly is: 'read' | 'update' | 'nativeUpdate' | 'move' | 'insert' | 'remove' | 'where' }
  | { readonly is: 'pause'; readonly turns: number }
  | { readonly is: 'evict' | 'foreign'; readonly tenant: number }
  | { readonly is: 'transaction'; readonly commits: boolean; readonly operations: readonly Operation[] }
  | { readonly is: 'nested'; readonly fails: boolean; readonly sessions: readonly Session[] }
);

/** A run of one tenant. */
export interface Session {
  readonly tenant: number;
  readonly operations: readonly Operation[];
}

export interface Row {
  readonly address: string;
  readonly ownerId: number;
}

/** What a tenant's houses must be at the end, by their id. */
export type Rows = Map<number, Row>;

/** What a transaction will have written once it commits. */
type Scope = (() => void)[];

interface Place {
  readonly id: string;
  readonly em: SqlEntityManager;
  readonly scope: Scope | undefined;
}

class Undo extends Error {}

/** Rows that inserts make are beyond those that are there at the beginning. */
export const FIRST_NEW_ID = 1_000;

/**
 * Runs sessions at the same time, and knows what must come of it: every write has a row of its own in its tenant, and
 * the same ids in every tenant.
 */
export class Interleaving {
  /** How often it looked whose data code has. */
  checks = 0;
  /** Tenants to whose databases something was written. */
  readonly changed = new Set<string>();
  readonly expected = new Map<string, Rows>();
  readonly #manager: TenantOrmManager;
  readonly #ids: readonly string[];
  readonly #nextRow = new Map<string, number>();
  readonly #evictions: Promise<boolean>[] = [];

  constructor(manager: TenantOrmManager, ids: readonly string[], rowsOf: (id: string) => Rows) {
    this.#manager = manager;
    this.#ids = ids;
    for (const id of ids) {
      this.expected.set(id, rowsOf(id));
    }
  }

  async play(sessions: readonly Session[]): Promise<void> {
    await this.#together(sessions);
    await Promise.all(this.#evictions);
  }

  /** Lets every session come to its end, so that none goes on into the next interleaving. */
  async #together(sessions: readonly Session[]): Promise<void> {
    const results = await Promise.allSettled(sessions.map((session) => this.#run(session)));
    for (const result of results) {
      if (result.status === 'rejected') {
        throw result.reason;
      }
    }
  }

  async #run({ tenant, operations }: Session, fails = false): Promise<void> {
    const id = this.#idOf(tenant);
    await this.#manager.run(id, async (em) => {
      expect(RequestContext.getEntityManager() === em).toBe(true);
      await this.#all({ id, em, scope: undefined }, operations);
      if (fails) {
        throw new Undo();
      }
    });
  }

  async #all(place: Place, operations: readonly Operation[]): Promise<void> {
    expect(currentTenant()?.id).toBe(place.id);
    for (const operation of operations) {
      await this.#do({ ...place, em: operation.through === 'fork' ? place.em : this.#manager.em }, operation);
    }
    await this.#check(place);
  }

  /** The tenant by every way of asking, and every entity in the identity map. */
  async #check({ id, em }: Place): Promise<void> {
    this.checks += 1;
    const reached = [currentTenant()?.id, await tenantReached(em), await tenantReached(this.#manager.em)];
    const loaded = [em, this.#manager.em].flatMap((each) => [...each.getUnitOfWork().getIdentityMap()]);
    const texts = loaded.map((entity) => (entity instanceof House ? entity.address : (entity as Person).name));
    const strangers = texts.filter((text) => text !== undefined && !text.startsWith(`${id} `));
    expect({ reached, strangers }).toEqual({ reached: [id, id, id], strangers: [] });
  }

  async #do(place: Place, operation: Operation): Promise<void> {
    const { id, em } = place;
    switch (operation.is) {
      case 'read': {
        const houses = await em.find(House, { id: { $lte: 3 } }, { populate: ['owner'] });
        const texts = houses.flatMap(({ address, owner }) => [address, owner?.name]);
        expect(texts.filter((text) => !text?.startsWith(`${id} `))).toEqual([]);
        return;
      }
      case 'where': {
        const owner = em.getReference(Person, 1);
        expect(await em.count(House, { owner, $not: { address: { $like: `${id} %` } } })).toBe(0);
        return;
      }
      case 'update':
        return this.#change(place, (house, address) => Object.assign(house, { address }));
      case 'move':
        return this.#change(place, (house) => Object.assign(house, { owner: em.getReference(Person, 3) }));
      case 'nativeUpdate': {
        const row = this.#rowFor(id);
        const address = `${id} native ${row}`;
        await em.nativeUpdate(House, { id: row }, { address, agent: 2 });
        return this.#wrote(place, row, ({ ownerId }) => ({ address, ownerId }));
      }
      case 'insert': {
        const row = this.#rowFor(id) + FIRST_NEW_ID;
        const address = `${id} new ${row}`;
        em.create(House, { id: row, address, facts: {}, listedAt: new Date(0), owner: 2 });
        await em.flush();
        return this.#wrote(place, row, () => ({ address, ownerId: 2 }));
      }
      case 'remove': {
        const row = this.#rowFor(id);
        await em.remove(await em.findOneOrFail(House, row)).flush();
        return this.#wrote(place, row, () => undefined);
      }
      case 'pause':
        for (let n = 0; n < operation.turns; n += 1) {
          await turn();
        }
        return;
      case 'evict':
        this.#evictions.push(this.#manager.evict(this.#idOf(operation.tenant)));
        return;
      case 'foreign':
        return this.#foreign(place, this.#idOf(operation.tenant));
      case 'transaction':
        return this.#transaction(place, operation.commits, operation.operations);
      case 'nested':
        if (operation.fails) {
          const failed = operation.sessions.map((session) => expect(this.#run(session, true)).rejects.toThrow(Undo));
          await Promise.all(failed);
          return;
        }
        return this.#together(operation.sessions);
    }
  }

  async #change(place: Place, change: (house: House, address: string) => void): Promise<void> {
    const row = this.#rowFor(place.id);
    const house = await place.em.findOneOrFail(House, row);
    expect(house.address).toBe(`${place.id} house ${row}`);
    change(house, `${place.id} changed ${row}`);
    await place.em.flush();
    const { address, owner } = house;
    this.#wrote(place, row, () => ({ address, ownerId: owner?.id ?? 0 }));
  }

  async #transaction({ id, em, scope }: Place, commits: boolean, operations: readonly Operation[]): Promise<void> {
    const inner: Scope = [];
    const work = em.transactional(async (transaction) => {
      await this.#all({ id, em: transaction as SqlEntityManager, scope: inner }, operations);
      if (!commits) {
        throw new Undo();
      }
    });
    if (commits) {
      await work;
      for (const apply of inner) {
        if (scope === undefined) {
          apply();
        } else {
          scope.push(apply);
        }
      }
    } else {
      await expect(work).rejects.toThrow(Undo);
      // MikroORM leaves the entities as they were changed; it says to clear after a failed transaction.
      em.clear();
    }
  }

  async #foreign({ id, em }: Place, other: string): Promise<void> {
    const foreign = await this.#manager.run(other, (inner) => inner.findOneOrFail(Person, 2));
    if (other === id) {
      return;
    }
    expect(() => em.persist(foreign)).toThrow(WrongTenantError);
    await expect(em.nativeUpdate(House, {}, { owner: foreign })).rejects.toThrow(WrongTenantError);
    await em.flush();
  }

  #wrote({ id, scope }: Place, row: number, change: (before: Row) => Row | undefined): void {
    const apply = (): void => {
      this.changed.add(id);
      const rows = this.expected.get(id) as Rows;
      const after = change(rows.get(row) as Row);
      if (after === undefined) {
        rows.delete(row);
      } else {
        rows.set(row, after);
      }
    };
    if (scope === undefined) {
      apply();
    } else {
      scope.push(apply);
    }
  }

  /** The next row that no other operation of this tenant writes; equal ids come up in every tenant. */
  #rowFor(id: string): number {
    const row = (this.#nextRow.get(id) ?? 3) + 1;
    this.#nextRow.set(id, row);
    return row;
  }

  #idOf(tenant: number): string {
    return this.#ids[tenant] as string;
  }
}

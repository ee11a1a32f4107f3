import { BudgetWorld, type FakeAccount, type FakeConnection, LIMITS } from './BudgetWorld.ts';

/** What one step does; `pick` chooses among what there is. */
export interface Step {
  readonly do: 'acquire' | 'release' | 'destroy' | 'open' | 'fail' | 'close' | 'abort' | 'break' | 'pass time' | 'end';
  readonly pick: number;
}

interface Caller {
  readonly tenantId: string;
  readonly since: number;
  readonly controller: AbortController;
}

interface User {
  readonly account: FakeAccount;
  readonly connection: FakeConnection;
}

const TENANTS = ['a', 'b', 'c'];

/** Random use of a budget by three tenants. Throws when it breaks a promise. */
export class BudgetWalk {
  readonly world = new BudgetWorld();
  readonly #accounts = new Map<string, FakeAccount>(TENANTS.map((id) => [id, this.world.account(id)]));
  readonly #waiting = new Set<Caller>();
  readonly #users: User[] = [];
  readonly #ends: Promise<void>[] = [];
  readonly #wrongOnes: string[] = [];

  async take(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      this.#take(step);
      await ticks();
      this.#check(step);
    }
  }

  /** Ends every account, lets go of everything, and looks whether anything is left. */
  async finish(): Promise<void> {
    for (const account of this.#accounts.values()) {
      this.#end(account);
    }
    this.world.clock.advance(100);
    await this.world.serve();
    await Promise.all(this.#ends);
    if (this.#waiting.size > 0) {
      throw new Error(`${this.#waiting.size} callers still wait`);
    }
    this.world.assertEmpty();
  }

  #take({ do: what, pick }: Step): void {
    const { world } = this;
    const tenantId = TENANTS[pick % TENANTS.length] as string;
    const actions: Readonly<Record<Step['do'], () => unknown>> = {
      acquire: () => this.#acquire(tenantId),
      release: () => this.#release(pick, false),
      destroy: () => this.#release(pick, true),
      open: () => chosen(world.openings, pick)?.succeed(),
      fail: () => chosen(world.openings, pick)?.fail(new Error('the server refused')),
      close: () => chosen(world.closing, pick)?.finishClosing(),
      abort: () => chosen([...this.#waiting], pick)?.controller.abort(new Error('gone')),
      break: () => this.#break(pick),
      'pass time': () => world.clock.advance((pick % 8) * 150),
      end: () => {
        this.#end(this.#account(tenantId));
        this.#accounts.set(tenantId, world.account(tenantId));
      },
    };
    actions[what]();
  }

  #account(tenantId: string): FakeAccount {
    return this.#accounts.get(tenantId) as FakeAccount;
  }

  #acquire(tenantId: string): void {
    const account = this.#account(tenantId);
    const caller = { tenantId, since: this.world.clock.now(), controller: new AbortController() };
    this.#waiting.add(caller);
    account.acquire(caller.controller).then(
      (connection) => {
        this.#waiting.delete(caller);
        const isUsed = this.#users.some((user) => user.connection === connection);
        if (connection.tenantId !== tenantId || connection.isClosed || isUsed) {
          this.#wrongOnes.push(
            `a caller of ${tenantId} got a connection of ${connection.tenantId} that it cannot have`,
          );
        }
        this.#users.push({ account, connection });
      },
      () => this.#waiting.delete(caller),
    );
  }

  #release(pick: number, destroy: boolean): void {
    const user = chosen(this.#users, pick);
    if (user !== undefined) {
      this.#users.splice(this.#users.indexOf(user), 1);
      user.account.release(user.connection, destroy);
    }
  }

  /** One that is in use is taken from its user, who may give it back later all the same. */
  #break(pick: number): void {
    const open = this.world.connections.filter(({ closeCause }) => closeCause === undefined);
    const connection = chosen(open, pick);
    if (connection !== undefined) {
      const user = this.#users.find((one) => one.connection === connection);
      const account = user?.account ?? this.#account(connection.tenantId);
      this.#users.splice(0, this.#users.length, ...this.#users.filter((one) => one !== user));
      account.broken(connection);
      account.release(connection, pick % 2 === 0);
    }
  }

  #end(account: FakeAccount): void {
    const force = (connection: FakeConnection): void => {
      const at = this.#users.findIndex((user) => user.connection === connection);
      if (at >= 0) {
        this.#users.splice(at, 1);
      }
    };
    this.#ends.push(account.end('evicted', 100, force));
  }

  #check(step: Step): void {
    const { opening, idle, inUse, closing, waiting } = this.world.budget.stats();
    const counts = { opening, idle, inUse, closing, waiting };
    const open = this.world.connections.filter(({ closeCause }) => closeCause === undefined).length;
    const real = {
      opening: this.world.openings.length,
      idle: open - this.#users.length,
      inUse: this.#users.length,
      closing: this.world.closing.length,
      waiting: this.#waiting.size,
    };
    const expected = JSON.stringify(real);
    const total = opening + idle + inUse + closing;
    const problems = [
      ...this.#wrongOnes,
      JSON.stringify(counts) === expected ? '' : `counted ${JSON.stringify(counts)} where there are ${expected}`,
      total <= LIMITS.maxConnections ? '' : `${total} sockets`,
      waiting <= LIMITS.maxWaiting + LIMITS.maxConnections ? '' : `${waiting} wait`,
      ...TENANTS.map((id) => this.#problemOf(id)),
    ].filter((problem) => problem !== '');
    if (problems.length > 0) {
      throw new Error(`After ${JSON.stringify(step)}: ${problems.join('; ')}`);
    }
  }

  #problemOf(tenantId: string): string {
    const { clock, budget } = this.world;
    const account = this.#account(tenantId);
    const oldest = [...this.#waiting].find((caller) => caller.tenantId === tenantId);
    if (oldest !== undefined && clock.now() - oldest.since > LIMITS.acquireTimeoutMs) {
      return `a caller of ${tenantId} waits longer than the deadline`;
    }
    const { idle, closing, opening, inUse } = budget.stats();
    const full = opening + idle + inUse + closing === LIMITS.maxConnections;
    if (account.share.claims > 0 && (!full || (idle > 0 && closing === 0))) {
      return `${tenantId} has a claim to a connection and gets none although there is room`;
    }
    return account.share.room >= 0 ? '' : `${tenantId} has too many connections`;
  }
}

function chosen<T>(from: readonly T[], pick: number): T | undefined {
  return from[pick % Math.max(1, from.length)];
}

/** Lets promises run that follow each other; a walk has no timers of the system. */
async function ticks(): Promise<void> {
  for (let n = 0; n < 8; n += 1) {
    await Promise.resolve();
  }
}

import { BudgetWorld, type FakeAccount, type FakeConnection, LIMITS } from './BudgetWorld.ts';

/** What one step does; `pick` chooses among what there is. */
export interface Step {
  readonly do:
    | 'acquire'
    | 'turn over'
    | 'release'
    | 'destroy'
    | 'open'
    | 'fail'
    | 'close'
    | 'abort'
    | 'break'
    | 'pass time'
    | 'end';
  readonly pick: number;
}

interface Caller {
  readonly name: string;
  readonly account: FakeAccount;
  readonly since: number;
  readonly controller: AbortController;
}

interface User {
  readonly account: FakeAccount;
  readonly connection: FakeConnection;
}

const TENANTS = ['a', 'b', 'c'];
/** Tenant "a" has a replica, with an account of its own. */
const ACCOUNTS = [...TENANTS, 'a replica'];
const tenantOf = (name: string): string => name.slice(0, 1);

/** So many connections in a row may stay with their tenant while another one has a claim to room, and gets none. */
const MAX_BYPASSES = 8;

/** Random use of a budget by three tenants. Throws when it breaks a promise. */
export class BudgetWalk {
  readonly world = new BudgetWorld();
  readonly #accounts = new Map<string, FakeAccount>(ACCOUNTS.map((name) => [name, this.world.account(tenantOf(name))]));
  readonly #owners = new Map<FakeConnection, FakeAccount>();
  readonly #waiting = new Set<Caller>();
  readonly #users: User[] = [];
  readonly #ends: Promise<void>[] = [];
  readonly #wrongOnes: string[] = [];
  #bypasses = 0;
  /** How many openings had begun when the last one was counted: one that began since gave somebody room. */
  #begunBefore = 0;

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
    const name = ACCOUNTS[pick % ACCOUNTS.length] as string;
    const actions: Readonly<Record<Step['do'], () => unknown>> = {
      acquire: () => this.#acquire(name),
      'turn over': () => this.#turnOver(pick),
      release: () => this.#release(pick, false),
      destroy: () => this.#release(pick, true),
      open: () => chosen(world.openings, pick)?.succeed(),
      fail: () => chosen(world.openings, pick)?.fail(new Error('the server refused')),
      close: () => chosen(world.closing, pick)?.finishClosing(),
      abort: () => chosen([...this.#waiting], pick)?.controller.abort(new Error('gone')),
      break: () => this.#break(pick),
      'pass time': () => world.clock.advance((pick % 8) * 150),
      end: () => {
        this.#end(this.#account(name));
        this.#accounts.set(name, world.account(tenantOf(name)));
      },
    };
    actions[what]();
  }

  #account(name: string): FakeAccount {
    return this.#accounts.get(name) as FakeAccount;
  }

  #acquire(name: string): void {
    const account = this.#account(name);
    const caller = { name, account, since: this.world.clock.now(), controller: new AbortController() };
    this.#waiting.add(caller);
    account.acquire(caller.controller).then(
      (connection) => {
        // A Set keeps the order in which they came.
        const first = [...this.#waiting].find((waiting) => waiting.account === account);
        if (first !== caller) {
          this.#wrongOnes.push(`a caller of ${name} was served before one that came earlier`);
        }
        this.#waiting.delete(caller);
        const isUsed = this.#users.some((user) => user.connection === connection);
        const owner = this.#owners.get(connection) ?? account;
        this.#owners.set(connection, owner);
        if (connection.tenantId !== tenantOf(name) || owner !== account || connection.isClosed || isUsed) {
          this.#wrongOnes.push(`a caller of ${name} got a connection of ${connection.tenantId} that it cannot have`);
        }
        this.#users.push({ account, connection });
      },
      () => this.#waiting.delete(caller),
    );
  }

  /** A busy tenant: one caller comes for each that goes. */
  #turnOver(pick: number): void {
    const user = chosen(this.#users, pick);
    if (user !== undefined) {
      this.#acquire(user.connection.tenantId);
      this.#release(pick, false);
    }
  }

  #release(pick: number, destroy: boolean): void {
    const user = chosen(this.#users, pick);
    if (user !== undefined) {
      const isRoomWanted = this.#isRoomWantedBy(TENANTS.filter((id) => id !== user.connection.tenantId));
      this.#users.splice(this.#users.indexOf(user), 1);
      user.account.release(user.connection, destroy);
      const isGivenUp = this.world.budget.stats().closing > 0;
      const isRoomGiven = this.world.begun > this.#begunBefore;
      this.#begunBefore = this.world.begun;
      const before = isRoomGiven ? 0 : this.#bypasses;
      // One that is not given up for who wants room stays with its tenant.
      this.#bypasses = isRoomWanted && !isGivenUp ? before + 1 : 0;
      if (this.#bypasses > MAX_BYPASSES) {
        this.#wrongOnes.push(`${this.#bypasses} connections in a row passed by a tenant that wants room`);
      }
    }
  }

  /** Whether one of these tenants has a claim that nothing on its way will serve. */
  #isRoomWantedBy(tenants: readonly string[]): boolean {
    const { idle, closing, opening, open } = this.world.budget.stats();
    const isFull = opening + open + closing === LIMITS.maxConnections;
    return isFull && idle === 0 && closing === 0 && tenants.some((id) => this.#account(id).share.claims > 0);
  }

  /** One that is in use is taken from its user, who may give it back later all the same. */
  #break(pick: number): void {
    const open = this.world.connections.filter(({ closeCause }) => closeCause === undefined);
    const connection = chosen(open, pick);
    if (connection !== undefined) {
      const user = this.#users.find((one) => one.connection === connection);
      const account = user?.account ?? this.#owners.get(connection) ?? this.#account(connection.tenantId);
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
      waiting - opening <= LIMITS.maxWaiting ? '' : `${waiting} wait`,
      ...ACCOUNTS.map((name) => this.#problemOf(name)),
    ].filter((problem) => problem !== '');
    if (problems.length > 0) {
      throw new Error(`After ${JSON.stringify(step)}: ${problems.join('; ')}`);
    }
  }

  #problemOf(name: string): string {
    const { clock, budget } = this.world;
    const account = this.#account(name);
    const oldest = [...this.#waiting].find((caller) => caller.name === name);
    if (oldest !== undefined && clock.now() - oldest.since > LIMITS.acquireTimeoutMs) {
      return `a caller of ${name} waits longer than the deadline`;
    }
    const { idle, closing, opening, inUse } = budget.stats();
    const full = opening + idle + inUse + closing === LIMITS.maxConnections;
    if (account.share.claims > 0 && (!full || (idle > 0 && closing === 0))) {
      return `${name} has a claim to a connection and gets none although there is room`;
    }
    if (account.unserved > 0 && [...account.share.accounts].some((other) => other.hasIdle) && closing === 0) {
      return `${name} waits for a connection while its tenant has an idle one`;
    }
    return account.share.room >= 0 ? '' : `${name} has too many connections`;
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

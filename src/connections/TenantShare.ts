import type { BudgetedConnection } from './BudgetedConnection.ts';
import type { ConnectionAccount } from './ConnectionAccount.ts';

/** Figures of one tenant, or of all tenants of a server. */
export interface ConnectionCounts {
  readonly opening: number;
  /** Idle and in use. */
  readonly open: number;
  readonly idle: number;
  readonly inUse: number;
  readonly closing: number;
  readonly waiting: number;
  /** For how long the caller has waited that waits longest. */
  readonly longestWaitMs: number;
  /** Idle connections given up for somebody else, ever. */
  readonly stolen: number;
  /** Callers refused because the queue was full or their time was over, ever. */
  readonly refused: number;
  /** Connections that came back inside a transaction or busy, ever. */
  readonly tainted: number;
}

/**
 * What one tenant has of a budget, over all its accounts: those of its replicas, and that of an ORM that closes beside
 * that of the next one.
 */
export class TenantShare<C extends BudgetedConnection> {
  readonly tenantId: string;
  readonly #max: number;
  /** One, and for a moment a few: a list weighs less than a set. */
  #accounts: readonly ConnectionAccount<C>[] = [];
  /** How many turns it takes to another tenant's one. */
  weight = 1;
  stolen = 0;
  refused = 0;
  tainted = 0;

  constructor(tenantId: string, max: number) {
    this.tenantId = tenantId;
    this.#max = max;
  }

  get accounts(): readonly ConnectionAccount<C>[] {
    return this.#accounts;
  }

  add(account: ConnectionAccount<C>): void {
    this.#accounts = [...this.#accounts, account];
  }

  /** Returns whether nothing is left of the tenant. */
  remove(account: ConnectionAccount<C>): boolean {
    this.#accounts = this.#accounts.filter((other) => other !== account);
    return this.#accounts.length === 0;
  }

  /** How many more connections the tenant could use and may open. */
  get wants(): number {
    const unserved = this.#sum(({ unserved: own }) => own);
    return unserved === 0 ? 0 : Math.max(0, Math.min(this.room, unserved));
  }

  /** How many of these are worth the room of another tenant. */
  get claims(): number {
    const claims = this.#sum(({ hasClaim }) => (hasClaim ? 1 : 0));
    return claims === 0 ? 0 : Math.max(0, Math.min(this.room, claims));
  }

  get room(): number {
    return this.#max - this.#sum(({ sockets }) => sockets);
  }

  /** The account that opens the next connection: one with a claim first, then the one whose caller waits longest. */
  next(): ConnectionAccount<C> | undefined {
    const waiting = this.#accounts.filter(({ unserved }) => unserved > 0);
    const claiming = waiting.filter(({ hasClaim }) => hasClaim);
    const [first, ...others] = claiming.length > 0 ? claiming : waiting;
    return others.reduce((next, other) => (next && next.waitsSince <= other.waitsSince ? next : other), first);
  }

  /**
   * Where the tenant has all its connections and one of its accounts still waits, an idle one of another account is
   * given up for it: a connection to the primary serves nobody who asks for a replica.
   */
  makeRoom(): void {
    const unserved = this.#accounts.length > 1 ? this.#sum(({ unserved: own }) => own) : 0;
    const underWay = unserved === 0 ? 0 : Math.max(0, this.room) + this.#sum(({ closing }) => closing);
    for (let lacking = unserved - underWay; lacking > 0; lacking -= 1) {
      const [other] = this.#accounts.filter(({ hasIdle }) => hasIdle);
      if (other === undefined) {
        return;
      }
      other.giveUpLongest();
    }
  }

  /** Whether a caller of another account of the tenant has waited longer, for what only `account` could give up. */
  isAwaitedElsewhere(account: ConnectionAccount<C>): boolean {
    return (
      this.#accounts.length > 1 &&
      this.#sum((other) => (other.waitsSince < account.waitsSince ? other.unserved : 0)) >
        this.#sum(({ closing }) => closing)
    );
  }

  counts(now: number): ConnectionCounts {
    const accounts = this.#accounts.map((account) => account.stats());
    const sum = (of: (counts: (typeof accounts)[number]) => number): number =>
      accounts.reduce((total, counts) => total + of(counts), 0);
    const since = Math.min(now, ...this.#accounts.map(({ waitsSince }) => waitsSince));
    return {
      opening: sum(({ opening }) => opening),
      open: sum(({ open }) => open),
      idle: sum(({ idle }) => idle),
      inUse: sum(({ inUse }) => inUse),
      closing: sum(({ closing }) => closing),
      waiting: sum(({ waiting }) => waiting),
      longestWaitMs: now - since,
      stolen: this.stolen,
      refused: this.refused,
      tainted: this.tainted,
    };
  }

  #sum(of: (account: ConnectionAccount<C>) => number): number {
    let total = 0;
    for (const account of this.#accounts) {
      total += of(account);
    }
    return total;
  }
}

import type { BudgetedConnection } from './BudgetedConnection.ts';
import type { TenantShare } from './TenantShare.ts';

/**
 * After so many connections in a row went from a tenant to its own next waiter while another tenant waited for room,
 * the next one is given up to that tenant. Handing over costs nothing, giving up costs a new connection.
 */
const MAX_BYPASSES = 8;

/** Tenants that want room for a connection, in the order of their turns: round-robin, by their weights. */
export class TenantTurns<C extends BudgetedConnection> {
  readonly #waiting = new Set<TenantShare<C>>();
  /** Whose turn it was last, and how many it had in a row. */
  #last: TenantShare<C> | undefined;
  #inARow = 0;
  #bypasses = 0;

  /** Gives `share` a place, or takes it away, as its claims are now. */
  place(share: TenantShare<C>): void {
    if (share.claims > 0) {
      this.#waiting.add(share);
    } else {
      this.#waiting.delete(share);
    }
  }

  /** Whose turn it is. */
  next(): TenantShare<C> | undefined {
    if (this.#last !== undefined && this.#inARow < this.#last.weight && this.#waiting.has(this.#last)) {
      return this.#last;
    }
    const [first] = this.#waiting;
    return first;
  }

  /** Takes the turn of `share`, which has to come back for the next one. */
  take(share: TenantShare<C>): void {
    this.#waiting.delete(share);
    this.#count(share);
  }

  #count(share: TenantShare<C>): void {
    this.#inARow = this.#last === share ? this.#inARow + 1 : 1;
    this.#last = share;
    this.#bypasses = 0;
  }

  /** How much room tenants other than `but` want. Counts no further than `enough`. */
  wanted(enough: number, but?: TenantShare<C>): number {
    let wanted = 0;
    for (const share of this.#waiting) {
      wanted += share === but ? 0 : share.claims;
      if (wanted > enough) {
        break;
      }
    }
    return wanted;
  }

  /** Whether a connection may stay with its tenant although others wait; counts that it did. */
  mayBypass(): boolean {
    this.#bypasses += 1;
    return this.#bypasses <= MAX_BYPASSES;
  }

  /** Whether `share` has another turn before anybody else; takes it then. */
  mayGoOn(share: TenantShare<C>): boolean {
    if (this.#last !== share || this.#inARow >= share.weight) {
      return false;
    }
    this.#count(share);
    // As after an opening, whose connection counts as well when it is handed to the first waiter.
    this.#bypasses = 1;
    return true;
  }
}

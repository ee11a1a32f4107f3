import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, systemClock } from '../connections/Clock.ts';

export interface EvictionLimits {
  /** How many tenants may be open at once. Leased ones are never closed, so that many leases can exceed it. */
  readonly maxOpenTenants: number;
  /** A tenant without a lease is closed after this time. */
  readonly idleTimeoutMs: number;
}

/** Which open tenants to close: the least recently used above the cap, and those idle for too long. */
export class EvictionPolicy<H> {
  readonly #limits: EvictionLimits;
  readonly #evict: (handle: H, reason: 'idle' | 'capacity') => void;
  readonly #clock: Clock;
  readonly #outside = AsyncLocalStorage.snapshot();
  readonly #leased = new Set<H>();
  /** Handles without a lease, the least recently used first. */
  readonly #idle = new Map<H, number>();
  #cancelSweep: (() => void) | undefined;

  constructor(limits: EvictionLimits, evict: (handle: H, reason: 'idle' | 'capacity') => void, clock = systemClock) {
    this.#limits = limits;
    this.#evict = evict;
    this.#clock = clock;
  }

  /** A handle that nobody leased yet; its opener may be about to, so that the cap waits for the next change. */
  opened(handle: H): void {
    if (!this.#leased.has(handle) && !this.#idle.has(handle)) {
      this.#idle.set(handle, this.#clock.now());
      this.#scheduleSweep();
    }
  }

  leased(handle: H): void {
    this.#idle.delete(handle);
    this.#leased.add(handle);
    this.#enforceCap();
  }

  released(handle: H): void {
    if (this.#leased.delete(handle)) {
      this.#idle.set(handle, this.#clock.now());
      this.#enforceCap();
      this.#scheduleSweep();
    }
  }

  forget(handle: H): void {
    this.#idle.delete(handle);
    this.#leased.delete(handle);
  }

  stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #enforceCap(): void {
    while (this.#idle.size > 0 && this.#idle.size + this.#leased.size > this.#limits.maxOpenTenants) {
      this.#give('capacity');
    }
  }

  #give(reason: 'idle' | 'capacity'): void {
    const [handle] = this.#idle.keys();
    if (handle !== undefined) {
      this.#idle.delete(handle);
      this.#evict(handle, reason);
    }
  }

  #scheduleSweep(): void {
    if (this.#cancelSweep !== undefined) {
      return;
    }
    const [oldest] = this.#idle.values();
    if (oldest === undefined) {
      return;
    }
    const dueInMs = Math.max(0, oldest + this.#limits.idleTimeoutMs - this.#clock.now());
    this.#cancelSweep = this.#outside(() => this.#clock.schedule(dueInMs, () => this.#sweep()));
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    const deadline = this.#clock.now() - this.#limits.idleTimeoutMs;
    for (const since of [...this.#idle.values()]) {
      if (since > deadline) {
        break;
      }
      this.#give('idle');
    }
    this.#scheduleSweep();
  }
}

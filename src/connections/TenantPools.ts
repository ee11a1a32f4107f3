import type { AccountStats } from './HeldConnections.ts';
import type { Lent, TenantPool } from './TenantPool.ts';

/** The pools of one tenant's ORM: one for its database on the primary, and one for each replica. */
export class TenantPools {
  readonly primary: TenantPool<Lent>;
  readonly replicas: readonly TenantPool<Lent>[];

  constructor(primary: TenantPool<Lent>, replicas: readonly TenantPool<Lent>[]) {
    this.primary = primary;
    this.replicas = replicas;
  }

  get #all(): readonly TenantPool<Lent>[] {
    return [this.primary, ...this.replicas];
  }

  /** Closes all of them, as {@link TenantPool.close} does. */
  async close(reason: string, graceMs: number): Promise<void> {
    await Promise.all(this.#all.map((pool) => pool.close(reason, graceMs)));
  }

  stats(): AccountStats {
    const [first, ...others] = this.#all.map((pool) => pool.stats());
    return others.reduce((sum, one) => added(sum, one), first as AccountStats);
  }
}

function added(one: AccountStats, other: AccountStats): AccountStats {
  return {
    opening: one.opening + other.opening,
    open: one.open + other.open,
    inUse: one.inUse + other.inUse,
    idle: one.idle + other.idle,
    closing: one.closing + other.closing,
    waiting: one.waiting + other.waiting,
  };
}

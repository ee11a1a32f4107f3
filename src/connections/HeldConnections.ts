/** The connections of one account by what becomes of them. Those being opened are only counted. */
export class HeldConnections<C> {
  /** The one used last is at the end, and is the first to be used again, so that the others can go idle. */
  readonly idle: C[] = [];
  readonly inUse = new Set<C>();
  closing: readonly C[] = [];
  opening = 0;

  get sockets(): number {
    return this.opening + this.closing.length + this.idle.length + this.inUse.size;
  }

  /** Whether a connection can come free for a waiting caller; one that is closing cannot. */
  get mayServe(): boolean {
    return this.opening + this.inUse.size > 0;
  }

  /** Takes an idle connection out. Returns whether it was one. */
  takeIdle(connection: C): boolean {
    const at = this.idle.indexOf(connection);
    if (at >= 0) {
      this.idle.splice(at, 1);
    }
    return at >= 0;
  }

  stats(waiting: number): AccountStats {
    return {
      opening: this.opening,
      open: this.idle.length + this.inUse.size,
      inUse: this.inUse.size,
      idle: this.idle.length,
      closing: this.closing.length,
      waiting,
    };
  }
}

export type AccountStats = Readonly<Record<'opening' | 'open' | 'inUse' | 'idle' | 'closing' | 'waiting', number>>;

import { LONGEST_DELAY_MS } from '../connections/Clock.ts';
import { LeasedConnection } from '../databases/LeasedConnection.ts';

/** One tenant's database, opened in this process. A file does not hang up. */
export abstract class FileConnection<C extends FileConnection<C>> extends LeasedConnection<C> {
  /** Keeps the process alive while somebody has the connection, as a socket would. */
  readonly #alive = setInterval(() => {}, LONGEST_DELAY_MS).unref();

  override lease(): this {
    this.#alive.ref();
    return super.lease();
  }

  override release(): void {
    this.#alive.unref();
    super.release();
  }

  protected override shut(): boolean {
    clearInterval(this.#alive);
    return super.shut();
  }
}

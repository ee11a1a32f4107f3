import type { AppOptions } from './Layer.ts';

/** A Map of handles by tenant, each opened when first asked for. */
export class Handles<H> {
  readonly #options: AppOptions;
  readonly #open: (url: string) => Promise<H>;
  readonly #close: (handle: H) => Promise<unknown>;
  readonly #handles = new Map<string, Promise<H>>();

  constructor(options: AppOptions, open: (url: string) => Promise<H>, close: (handle: H) => Promise<unknown>) {
    this.#options = options;
    this.#open = open;
    this.#close = close;
  }

  of(tenant: string): Promise<H> {
    let handle = this.#handles.get(tenant);
    if (handle === undefined) {
      handle = this.#open(`${this.#options.url}/${this.#options.databases[tenant]}`);
      this.#handles.set(tenant, handle);
      handle.catch(() => this.#handles.delete(tenant));
    }
    return handle;
  }

  async closeTenant(tenant: string): Promise<void> {
    const handle = this.#handles.get(tenant);
    this.#handles.delete(tenant);
    if (handle !== undefined) {
      await this.#close(await handle);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#handles.keys()].map((tenant) => this.closeTenant(tenant)));
  }
}

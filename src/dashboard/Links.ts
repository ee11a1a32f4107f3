/** Addresses of the pages, as a browser sees them. */
export class Links {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  to(path: string): string {
    return `${this.#base}${path}`;
  }

  tenant(id: string, ...rest: readonly string[]): string {
    return this.to(`/tenants/${[id, ...rest].map(segmentOf).join('/')}`);
  }

  run(id: string, ...rest: readonly string[]): string {
    return this.to(`/runs/${[id, ...rest].map(segmentOf).join('/')}`);
  }
}

/** What is no well-formed text cannot be encoded. */
const segmentOf = (name: string): string => encodeURIComponent(name.toWellFormed());

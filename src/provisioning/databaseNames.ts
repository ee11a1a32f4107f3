import { createHash, randomBytes } from 'node:crypto';

/**
 * The names of the databases that are no tenant's: `tenancy_<application>_<what>_<more>`, where `<application>` tells the
 * applications of one server apart.
 */
export class DatabaseNames {
  /** What all of them begin with. */
  readonly prefix: string;

  /** `application`: what no other application of the server has, as the name of its central database. */
  constructor(application: string) {
    this.prefix = `tenancy_${hashOf(application).slice(0, 8)}`;
  }

  /** One that is being made for a tenant, or is ready for one. */
  made(): string {
    return this.#new('new');
  }

  /** One whose tenant has been moved away. */
  left(): string {
    return this.#new('left');
  }

  template(hash: string): string {
    return `${this.templates}${hash}`;
  }

  /** What the names of all templates begin with. */
  get templates(): string {
    return `${this.prefix}_template_`;
  }

  /** A template that is not finished yet. */
  building(hash: string): string {
    return `${this.buildings}${hash}`;
  }

  get buildings(): string {
    return `${this.prefix}_building_`;
  }

  #new(what: string): string {
    return `${this.prefix}_${what}_${randomBytes(8).toString('hex')}`;
  }
}

/** 32 hexadecimal digits. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

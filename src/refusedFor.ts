import { TenancyConfigurationError } from './errors.ts';

/** What PostgreSQL alone has, with what to use instead. */
export interface Refusal {
  /** How the application calls it: `manager.fleet`. */
  readonly what: string;
  /** The kind of the databases, as `SQLite`. */
  readonly kind: string;
  readonly instead: string;
}

export function refusalOf({ what, kind, instead }: Refusal): TenancyConfigurationError {
  return new TenancyConfigurationError(
    `\`${what}\` needs PostgreSQL, and the tenants' databases are of ${kind}. ${instead}`,
  );
}

const NO_FLEET = 'Migrate each tenant by itself: `manager.each((_em, { id }) => manager.migrator(id).up())`.';
const NO_LIFE =
  'Make a database by `databases.create(name)`, migrate it by `manager.migrator(id).up()`, change the catalogue, and drop ' +
  'the database by `databases.drop(name)` after `manager.evict(id)`.';

/** `manager.fleet` where there is none: each of its methods rejects, and says what to use instead. */
export function refusedFleet<F extends object>(kind: string): F {
  return refusing({ what: 'manager.fleet', kind, instead: NO_FLEET });
}

/** The same for what the manager has of a tenant's life: `manager.provision` and the like, and `manager.operations`. */
export function refusedLife<L extends object>(kind: string): L {
  const operations = refusing({ what: 'manager.operations', kind, instead: NO_LIFE });
  return refusing({ what: 'manager', kind, instead: NO_LIFE }, { operations });
}

function refusing<P extends object>({ what, kind, instead }: Refusal, parts: object = {}): P {
  return new Proxy(parts as P, {
    get(target, property) {
      // A symbol, or `then`, is asked for by whoever looks whether it is a promise.
      return typeof property === 'symbol' || property === 'then' || property in target
        ? (Reflect.get(target, property, target) as unknown)
        : () => Promise.reject(refusalOf({ what: `${what}.${property}()`, kind, instead }));
    },
  });
}

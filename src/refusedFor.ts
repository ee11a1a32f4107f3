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

/** Stands for a part that the tenants' databases cannot have: each of its methods rejects, and says what to use instead. */
export function refusedFor<P extends object>({ what, kind, instead }: Refusal): P {
  return new Proxy({} as P, {
    get(target, property) {
      if (typeof property === 'symbol' || property === 'then') {
        return Reflect.get(target, property, target) as unknown;
      }
      const called = what === '' ? `manager.${property}()` : `${what}.${property}()`;
      const method = (): Promise<never> => Promise.reject(refusalOf({ what: called, kind, instead }));
      return property === 'operations' ? refusedFor({ what: 'manager.operations', kind, instead }) : method;
    },
  });
}

import { createHmac } from 'node:crypto';
import { TenancyConfigurationError } from '../errors.ts';

/** The record by which whoever has a domain's DNS shows that the domain is to be a tenant's. */
export interface DomainChallenge {
  readonly domain: string;
  /** Where the record goes: `_tenancy-challenge.acme.com`. */
  readonly name: string;
  readonly type: 'TXT';
  /** What it holds. */
  readonly value: string;
}

const LABEL = '_tenancy-challenge';
const MIN_SECRET_CHARACTERS = 32;

/**
 * Makes challenges. They are derived and not stored: from a secret, the tenant and the domain, so that a record that one
 * tenant was asked for shows nothing for another tenant or domain, and so that nothing has to be reserved before.
 */
export class DomainChallenges {
  readonly #secrets: readonly string[];

  /** The newest secret first; the others are still accepted. Throws {@link TenancyConfigurationError}. */
  constructor(secrets: readonly string[]) {
    const isRight =
      Array.isArray(secrets) &&
      secrets.length > 0 &&
      secrets.every((secret) => typeof secret === 'string' && secret.length >= MIN_SECRET_CHARACTERS);
    if (!isRight) {
      throw new TenancyConfigurationError(
        `TenantDomains: \`secrets\` takes secrets of at least ${MIN_SECRET_CHARACTERS} characters, the newest first.`,
      );
    }
    this.#secrets = secrets;
  }

  of(tenantId: string, domain: string): DomainChallenge {
    return {
      domain,
      name: `${LABEL}.${domain}`,
      type: 'TXT',
      value: recordOf(this.#secrets[0] ?? '', tenantId, domain),
    };
  }

  /** Whether one of the values that the DNS gave is the one that the tenant was asked for. */
  isAnswered(tenantId: string, domain: string, values: readonly string[]): boolean {
    return this.#secrets.some((secret) => values.includes(recordOf(secret, tenantId, domain)));
  }
}

/** Neither a tenant's id nor a domain has a space. */
function recordOf(secret: string, tenantId: string, domain: string): string {
  return createHmac('sha256', secret).update(`tenancy domain ${tenantId} ${domain}`).digest('base64url');
}

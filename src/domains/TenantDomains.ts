import type { TenantStore } from '../catalog/TenantStore.ts';
import { TenancyConfigurationError, TenantConflictError } from '../errors.ts';
import { toDomainName } from '../tenant/domainName.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { assertTenantId } from '../tenant/tenantId.ts';
import { type DomainChallenge, DomainChallenges } from './DomainChallenge.ts';
import { lookUpTxt, systemResolver, type TxtResolver } from './lookUpTxt.ts';

/** What is needed of a `TenantStore`. */
export type DomainStore<T extends Tenant = Tenant> = Pick<
  TenantStore<T>,
  'findDomain' | 'addDomain' | 'verifyDomain' | 'removeDomain'
>;

/** Options of {@link TenantDomains}. */
export interface TenantDomainsOptions<T extends Tenant = Tenant> {
  /** `manager.central.tenants`. */
  readonly store: DomainStore<T>;
  /** At least 32 characters each, the same in every process, the newest first. */
  readonly secrets: readonly string[];
  /** How long the DNS may take, in milliseconds. @default 5000 */
  readonly timeoutMs?: number | undefined;
  /** Makes a resolver for one question. @default node's own, with the system's DNS servers */
  readonly resolver?: (() => TxtResolver) | undefined;
}

/** What became of looking for the record. */
export type DomainVerification<T extends Tenant = Tenant> =
  | { readonly is: 'verified'; readonly tenant: T }
  /** There is no such record yet, or with other values. */
  | { readonly is: 'missing'; readonly challenge: DomainChallenge; readonly found: readonly string[] }
  /** The DNS gave no answer; nothing is known. */
  | { readonly is: 'unanswered'; readonly challenge: DomainChallenge; readonly cause: unknown };

const DEFAULT_TIMEOUT_MS = 5_000;

/**
 * Domains that tenants bring along. One leads to its tenant only when a TXT record that only the tenant was told of has
 * been found in its DNS. Who merely asks for a domain reserves nothing: the one who has its DNS gets it.
 */
export class TenantDomains<T extends Tenant = Tenant> {
  readonly #store: DomainStore<T>;
  readonly #challenges: DomainChallenges;
  readonly #timeoutMs: number;
  readonly #resolver: () => TxtResolver;

  /** Throws {@link TenancyConfigurationError}. */
  constructor(options: TenantDomainsOptions<T>) {
    const { store, secrets, timeoutMs = DEFAULT_TIMEOUT_MS, resolver = () => systemResolver(timeoutMs) } = options;
    if (!Number.isInteger(timeoutMs) || timeoutMs < 1) {
      throw new TenancyConfigurationError('TenantDomains: `timeoutMs` takes a whole number of milliseconds from 1.');
    }
    this.#store = store;
    this.#challenges = new DomainChallenges(secrets);
    this.#timeoutMs = timeoutMs;
    this.#resolver = resolver;
  }

  /** The record that the tenant's domain needs. Writes nothing. Throws {@link TenancyConfigurationError}. */
  challengeOf(tenantId: string, domain: string): DomainChallenge {
    assertTenantId(tenantId);
    return this.#challenges.of(tenantId, toDomainName(domain));
  }

  /**
   * Notes the domain with the tenant, to which it does not lead yet, and gives the record that it needs. Where another
   * tenant has noted it and not shown it to be its own, nothing is noted; the record counts as much. Rejects with
   * {@link TenantConflictError} when it is another tenant's already, and as `TenantStore.addDomain` does.
   */
  async addDomain(tenantId: string, domain: string): Promise<DomainChallenge> {
    const challenge = this.challengeOf(tenantId, domain);
    if ((await this.#ownerOf(tenantId, challenge.domain)) === undefined) {
      await this.#store.addDomain(tenantId, challenge.domain);
    }
    return challenge;
  }

  /**
   * Looks for the record, and lets the domain lead to the tenant when it is there. A missing record is a result and no
   * error: DNS takes its time. Rejects with {@link TenantConflictError} when the domain is another tenant's already.
   */
  async verifyDomain(tenantId: string, domain: string): Promise<DomainVerification<T>> {
    const challenge = this.challengeOf(tenantId, domain);
    let found: readonly string[];
    try {
      found = await lookUpTxt(challenge.name, this.#resolver(), this.#timeoutMs);
    } catch (cause) {
      return { is: 'unanswered', challenge, cause };
    }
    if (!this.#challenges.isAnswered(tenantId, challenge.domain, found)) {
      return { is: 'missing', challenge, found };
    }
    return { is: 'verified', tenant: await this.#give(tenantId, challenge.domain) };
  }

  async #give(tenantId: string, domain: string): Promise<T> {
    const owner = await this.#ownerOf(tenantId, domain);
    if (owner === tenantId) {
      return this.#store.verifyDomain(tenantId, domain);
    }
    if (owner !== undefined) {
      // It has only asked for the domain; this tenant has shown that it is its own.
      await this.#store.removeDomain(owner, domain);
    }
    return this.#store.addDomain(tenantId, domain, { isVerified: true });
  }

  /** Who has noted the domain. Rejects when that is another tenant, and the domain has been shown to be its own. */
  async #ownerOf(tenantId: string, domain: string): Promise<string | undefined> {
    const found = await this.#store.findDomain(domain);
    if (found !== undefined && found.tenantId !== tenantId && found.verifiedAt !== undefined) {
      throw new TenantConflictError(tenantId, `the domain ${domain}`);
    }
    return found?.tenantId;
  }
}

import { parse } from 'tldts';
import { TenancyConfigurationError } from '../errors.ts';
import { assertDatabaseName } from '../tenant/databaseName.ts';
import { toDomainName } from '../tenant/domainName.ts';
import { assertTenantId } from '../tenant/tenantId.ts';

/** What a new tenant's id and domains may be, beyond their form. */
export interface TenantRulesOptions {
  /** Ids that no tenant may take, since they are subdomains with a meaning. @default {@link RESERVED_IDS} */
  readonly reservedIds?: readonly string[] | undefined;
  /** The application's own domains: neither they nor a name below them may be a tenant's domain. @default [] */
  readonly ownDomains?: readonly string[] | undefined;
}

/** Subdomains that mail, certificates, browsers or people take for something else than a customer. */
export const RESERVED_IDS: readonly string[] = Object.freeze([
  ...['abuse', 'account', 'accounts', 'admin', 'administrator', 'api', 'app', 'apps', 'assets', 'auth', 'autoconfig'],
  ...['autodiscover', 'billing', 'blog', 'cdn', 'central', 'dashboard', 'default', 'demo', 'dev', 'dns', 'docs'],
  ...['email', 'files', 'ftp', 'graphql', 'health', 'help', 'hostmaster', 'imap', 'internal', 'isatap', 'localhost'],
  ...['login', 'logout', 'm', 'mail', 'media', 'metrics', 'mobile', 'monitoring', 'mta-sts', 'mx', 'news', 'noc'],
  ...['ns', 'ns1', 'ns2', 'ns3', 'ns4', 'oauth', 'pop', 'pop3', 'postmaster', 'public', 'register', 'root', 'security'],
  ...['shop', 'signin', 'signup', 'smtp', 'ssl', 'sso', 'staging', 'static', 'stats', 'status', 'store', 'support'],
  ...['system', 'test', 'webhook', 'webhooks', 'webmail', 'webmaster', 'wpad', 'ws', 'www', 'www1', 'www2'],
]);

/** Checks ids and domains where they enter the catalogue. Throws {@link TenancyConfigurationError}. */
export class TenantRules {
  readonly #reservedIds: ReadonlySet<string>;
  readonly #ownDomains: readonly string[];
  readonly #centralDatabase: string | undefined;

  constructor({ reservedIds = RESERVED_IDS, ownDomains = [] }: TenantRulesOptions = {}, centralDatabase?: string) {
    this.#centralDatabase = centralDatabase;
    this.#reservedIds = new Set(reservedIds);
    this.#ownDomains = ownDomains.map(toDomainName);
  }

  assertNewId(id: unknown): void {
    assertTenantId(id);
    if (this.#reservedIds.has(id)) {
      throw refusal(
        id,
        'is reserved: as a subdomain it would mean something else. Choose another, or set `reservedIds`',
      );
    }
    if (id.startsWith('xn--')) {
      throw refusal(id, 'would be shown as another name: "xn--" begins an encoded one');
    }
  }

  /** On whichever server: the catalogue must not lie open to a tenant's code for a slip in `server`. */
  assertDatabase(database: unknown, tenantId: string): void {
    assertDatabaseName(database, tenantId);
    if (database === this.#centralDatabase) {
      throw new TenancyConfigurationError(
        `Tenant "${tenantId}": the database "${database}" is the central one. Give each tenant a database of its own.`,
        { tenantId },
      );
    }
  }

  /** The domain as the catalogue keeps it: lower case, A-labels, no trailing dot. */
  checkedDomain(value: unknown): string {
    const domain = toDomainName(value);
    const { isIp, domain: registrable, publicSuffix } = parse(domain, { allowPrivateDomains: true });
    if (isIp === true) {
      throw refusal(domain, 'is an address, not a domain');
    }
    if (registrable === null) {
      throw refusal(
        domain,
        `belongs to nobody: "${publicSuffix ?? domain}" is a suffix under which domains are registered`,
      );
    }
    if (/^www\..+\./.test(domain)) {
      throw refusal(domain, 'begins with "www."; leave that out, requests to it are those of the domain below');
    }
    const own = this.#ownDomains.find((one) => domain === one || domain.endsWith(`.${one}`));
    if (own !== undefined) {
      throw refusal(
        domain,
        `is of the application's own domain ${own}; tenants have their subdomain of it by their id`,
      );
    }
    return domain;
  }
}

function refusal(what: string, why: string): TenancyConfigurationError {
  return new TenancyConfigurationError(`"${what}" ${why}.`);
}

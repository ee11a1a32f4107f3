import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CredentialSource, Credentials } from '../../connections/Credentials.ts';
import { CredentialsError } from '../../connections/connectFailure.ts';
import type { SecretStore } from '../../secrets/SecretStore.ts';
import { SecretUnreadableError, TenantSecretMissingError } from '../../secrets/secretErrors.ts';

const MAX_KNOWN = 10_000;
/** How long the store is not asked again for a tenant. A password that was replaced is found out by a refused login. */
const KNOWN_MS = 5 * 60_000;
/** How long the store may take to answer. */
const READ_TIMEOUT_MS = 5_000;
/** A rotation that was cut off may have left the password of before the one before. */
const MAX_PASSWORDS = 3;

/** As whom each tenant connects: its secrets, and what this process knows of them. */
export class TenantCredentials {
  readonly #secrets: SecretStore;
  readonly #known = new LRUCache<string, Promise<Credentials>>({ max: MAX_KNOWN, ttl: KNOWN_MS });

  constructor(secrets: SecretStore) {
    this.#secrets = secrets;
  }

  /** What a tenant's connections are opened by. */
  sourceOf(tenantId: string): CredentialSource {
    return {
      get: () => this.#get(tenantId),
      refresh: () => {
        this.#known.delete(tenantId);
        return this.#get(tenantId);
      },
      worked: (password) => void this.#preferred(tenantId, password),
    };
  }

  /** From the store itself. */
  async read(tenantId: string): Promise<Credentials | undefined> {
    const secret = await this.#secrets.read(tenantId);
    return secret === undefined ? undefined : parsed(tenantId, secret);
  }

  /** Writes a new role's credentials, unless the tenant has that role's already. */
  async create(tenantId: string, user: string): Promise<Credentials> {
    const there = await this.read(tenantId);
    return there?.user === user ? there : this.#write(tenantId, { user, passwords: [newPassword()] });
  }

  /** A new password before those that may be in force. */
  async begin(tenantId: string, { user, passwords }: Credentials): Promise<Credentials> {
    return this.#write(tenantId, { user, passwords: [newPassword(), ...passwords].slice(0, MAX_PASSWORDS) });
  }

  /** The newest password is in force; the one before may be on a replica. */
  async settle(tenantId: string, { user, passwords }: Credentials): Promise<void> {
    await this.#write(tenantId, { user, passwords: passwords.slice(0, 2) });
  }

  async copy(tenantId: string, newId: string): Promise<void> {
    const there = await this.read(tenantId);
    if (there !== undefined) {
      await this.#write(newId, there);
    }
  }

  async delete(tenantId: string): Promise<void> {
    await this.#secrets.delete(tenantId);
    this.#known.delete(tenantId);
  }

  async #get(tenantId: string): Promise<Credentials> {
    const known = this.#known.get(tenantId);
    if (known !== undefined) {
      return known;
    }
    const reading = this.#readInTime(tenantId);
    this.#known.set(tenantId, reading);
    reading.catch(() => {
      if (this.#known.peek(tenantId) === reading) {
        this.#known.delete(tenantId);
      }
    });
    return reading;
  }

  /** Only what is wrong with the secret itself is told as it is: a store that is away says nothing of the tenant's server. */
  async #readInTime(tenantId: string): Promise<Credentials> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const why = `its secret was not read within ${READ_TIMEOUT_MS} ms`;
    const timer = setTimeout(() => reject(new CredentialsError(tenantId, why)), READ_TIMEOUT_MS);
    timer.unref();
    try {
      const found = await Promise.race([this.read(tenantId), late]);
      if (found === undefined) {
        throw new TenantSecretMissingError(tenantId);
      }
      return found;
    } catch (error) {
      const isOfSecret = error instanceof SecretUnreadableError || error instanceof TenantSecretMissingError;
      throw isOfSecret || error instanceof CredentialsError
        ? error
        : new CredentialsError(tenantId, 'its secret could not be read', error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next connection begins with the password that this one was opened by. */
  async #preferred(tenantId: string, password: string): Promise<void> {
    const reading = this.#known.peek(tenantId);
    const known = await reading?.catch(() => undefined);
    if (known !== undefined && known.passwords[0] !== password && this.#known.peek(tenantId) === reading) {
      const passwords = [password, ...known.passwords.filter((one) => one !== password)];
      this.#known.set(tenantId, Promise.resolve({ user: known.user, passwords }));
    }
  }

  async #write(tenantId: string, credentials: Credentials): Promise<Credentials> {
    await this.#secrets.write(tenantId, JSON.stringify(credentials));
    this.#known.delete(tenantId);
    return credentials;
  }
}

/** 192 bits, of characters that need no preparation (RFC 4013). */
function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

function parsed(tenantId: string, secret: string): Credentials {
  try {
    const { user, passwords } = JSON.parse(secret) as Partial<Credentials>;
    if (typeof user === 'string' && Array.isArray(passwords) && passwords.every((one) => typeof one === 'string')) {
      return { user, passwords: passwords as string[] };
    }
  } catch {
    // Its message would show the secret.
  }
  throw new SecretUnreadableError(tenantId, 'it is not what this library has written');
}

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { TenancyConfigurationError } from '../errors.ts';
import type { SecretKeys, SecretStore } from './SecretStore.ts';
import { SecretUnreadableError } from './secretErrors.ts';

/** One statement in the central database, with `?` for its parameters. */
export type SecretSql = <R extends object>(text: string, parameters: readonly unknown[]) => Promise<R[]>;

interface SecretRow {
  readonly name: string;
  readonly key_id: string;
  readonly nonce: string;
  readonly secret: string;
}

const KEY_BYTES = 32;
/** What NIST SP 800-38D recommends: 96 bits. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BATCH = 100;

const SELECT =
  "select name, key_id, encode(nonce, 'base64') as nonce, encode(secret, 'base64') as secret from tenancy_secrets";
const WRITE = `insert into tenancy_secrets (name, key_id, nonce, secret)
  values (?, ?, decode(?, 'base64'), decode(?, 'base64'))
  on conflict (name) do update set key_id = excluded.key_id, nonce = excluded.nonce, secret = excluded.secret,
    updated_at = clock_timestamp()`;

/**
 * Secrets in the central database, encrypted by AES-256-GCM with keys that it does not have. A secret is bound to its
 * tenant and its key: a row that is copied to another tenant cannot be read.
 */
export class EncryptedSecretStore implements SecretStore {
  readonly #sql: SecretSql;
  readonly #current: string;
  readonly #keys: ReadonlyMap<string, Buffer>;

  /** Throws `TenancyConfigurationError`. */
  constructor(sql: SecretSql, keys: SecretKeys) {
    this.#sql = sql;
    this.#current = keys.current;
    this.#keys = checkedKeys(keys);
  }

  async read(name: string): Promise<string | undefined> {
    const [row] = await this.#sql<SecretRow>(`${SELECT} where name = ?`, [name]);
    return row && this.#decrypt(row);
  }

  async write(name: string, secret: string): Promise<void> {
    await this.#sql(WRITE, this.#encrypt(name, secret));
  }

  async delete(name: string): Promise<void> {
    await this.#sql('delete from tenancy_secrets where name = ?', [name]);
  }

  /**
   * Encrypts by the current key what is encrypted by another one, some at a time; whoever writes meanwhile wins. Gives how
   * many they were. Afterwards the other keys can go.
   */
  async reencrypt(): Promise<number> {
    let count = 0;
    let after = '';
    for (;;) {
      const rows = await this.#sql<SecretRow>(`${SELECT} where key_id <> ? and name > ? order by name limit ?`, [
        this.#current,
        after,
        BATCH,
      ]);
      for (const row of rows) {
        const [, keyId, nonce, secret] = this.#encrypt(row.name, this.#decrypt(row));
        const changed = await this.#sql(
          `update tenancy_secrets set key_id = ?, nonce = decode(?, 'base64'), secret = decode(?, 'base64')
           where name = ? and nonce = decode(?, 'base64') returning 1`,
          [keyId, nonce, secret, row.name, row.nonce],
        );
        count += changed.length;
      }
      if (rows.length < BATCH) {
        return count;
      }
      after = rows.at(-1)?.name ?? after;
    }
  }

  /** How many secrets there are by the id of their key. */
  async countByKey(): Promise<Readonly<Record<string, number>>> {
    const rows = await this.#sql<{ key_id: string; count: number }>(
      'select key_id, count(*)::int as count from tenancy_secrets group by key_id order by key_id',
      [],
    );
    return Object.fromEntries(rows.map((row) => [row.key_id, row.count]));
  }

  get currentKey(): string {
    return this.#current;
  }

  #encrypt(name: string, secret: string): readonly [string, string, string, string] {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#keys.get(this.#current) as Buffer, nonce, {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(boundTo(name, this.#current));
    const encrypted = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return [name, this.#current, nonce.toString('base64'), encrypted.toString('base64')];
  }

  #decrypt({ name, key_id: keyId, nonce, secret }: SecretRow): string {
    const key = this.#keys.get(keyId);
    if (key === undefined) {
      throw new SecretUnreadableError(
        name,
        `it is encrypted by the key "${keyId}", which is none of \`roles.secrets.keys\``,
      );
    }
    const encrypted = Buffer.from(secret, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'), { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(name, keyId));
    decipher.setAuthTag(encrypted.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(encrypted.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8');
    } catch {
      // Node's error says nothing more.
      throw new SecretUnreadableError(
        name,
        `the key "${keyId}" is not the one that it was encrypted by, or its row was changed`,
      );
    }
  }
}

function boundTo(name: string, keyId: string): Buffer {
  return Buffer.from(JSON.stringify(['tenancy_secrets', name, keyId]));
}

function checkedKeys({ current, keys }: SecretKeys): ReadonlyMap<string, Buffer> {
  const checked = new Map<string, Buffer>();
  for (const [id, key] of Object.entries(keys)) {
    if (!/^[a-z0-9_-]{1,32}$/.test(id)) {
      throw new TenancyConfigurationError(
        `\`roles.secrets\`: ${JSON.stringify(id)} is no id of a key: 1 to 32 of a-z, 0-9, "-" and "_".`,
      );
    }
    const bytes = typeof key === 'string' ? Buffer.from(key, 'base64') : Buffer.from(key);
    if (bytes.length !== KEY_BYTES) {
      throw new TenancyConfigurationError(
        `\`roles.secrets\`: the key "${id}" has ${bytes.length} bytes, and AES-256 needs ${KEY_BYTES}. Make one by \`openssl rand -base64 32\`.`,
      );
    }
    checked.set(id, bytes);
  }
  if (!checked.has(current)) {
    throw new TenancyConfigurationError(
      `\`roles.secrets.current\` (${JSON.stringify(current)}) is none of its \`keys\`.`,
    );
  }
  return checked;
}

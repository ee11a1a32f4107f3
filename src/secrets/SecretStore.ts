/** Where the secrets of tenants are kept, each under the tenant's id. Any vault will do. */
export interface SecretStore {
  /** `undefined` where there is none. */
  read(name: string): Promise<string | undefined>;
  /** Replaces what is there. */
  write(name: string, secret: string): Promise<void>;
  /** Does nothing where there is none. */
  delete(name: string): Promise<void>;
}

/** Keys of the embedded store, 32 bytes each, as bytes or in base64. Keep them apart from the database. */
export interface SecretKeys {
  /** The id of the key by which new secrets are encrypted. */
  readonly current: string;
  /** Every key by which a secret may be encrypted still, by its id: 1 to 32 characters of `a-z`, `0-9`, `-` and `_`. */
  readonly keys: Readonly<Record<string, string | Uint8Array>>;
}

/** What is there to read, and how it is told from an embedded store's keys. */
export function isSecretStore(value: SecretStore | SecretKeys): value is SecretStore {
  return ['read', 'write', 'delete'].every(
    (name) => typeof (value as unknown as Record<string, unknown>)[name] === 'function',
  );
}

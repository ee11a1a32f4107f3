import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Context } from 'koa';
import { TenancyConfigurationError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** What Koa's `ctx.cookies` signs with: the interface of the package keygrip. */
interface CookieSigner {
  sign(data: string): string;
  verify(data: string, digest: string): boolean;
  index(data: string, digest: string): number;
}

const MIN_SECRET_CHARACTERS = 32;

/**
 * Keys of signed cookies, another one for each tenant: a cookie that was signed for one tenant is not signed for
 * another, whatever domain it was set for.
 */
export class TenantCookieKeys {
  readonly #secrets: readonly string[];

  /** The first secret signs, the others are accepted too. Throws {@link TenancyConfigurationError}. */
  constructor(secrets: readonly string[]) {
    const isRight = Array.isArray(secrets) && secrets.length > 0 && secrets.every(isLongEnough);
    if (!isRight) {
      throw new TenancyConfigurationError(
        `tenancy: \`cookieKeys\` takes secrets of at least ${MIN_SECRET_CHARACTERS} characters, the newest first.`,
      );
    }
    this.#secrets = secrets;
  }

  /** Lets `ctx.cookies` sign and verify by the keys of the tenant. Gives a function that puts the keys before back. */
  use(tenant: Tenant | undefined, ctx: Context): () => void {
    const { cookies } = ctx;
    const before: unknown = Reflect.get(cookies, 'keys');
    Reflect.set(cookies, 'keys', this.#signer(tenant));
    return () => void Reflect.set(cookies, 'keys', before);
  }

  #signer(tenant: Tenant | undefined): CookieSigner {
    const keys = this.#secrets.map((secret) => keyOf(secret, tenant));
    const index = (data: string, digest: string): number => keys.findIndex((key) => isEqual(sign(data, key), digest));
    return {
      sign: (data) => sign(data, keys[0] ?? ''),
      verify: (data, digest) => index(data, digest) !== -1,
      index,
    };
  }
}

/** A tenant's id has no parentheses, so that no tenant has the keys of pages without one. */
function keyOf(secret: string, tenant: Tenant | undefined): Buffer {
  return createHmac('sha256', secret)
    .update(`tenancy cookie ${tenant?.id ?? '(central)'}`)
    .digest();
}

function sign(data: string, key: Buffer | string): string {
  return createHmac('sha256', key).update(data).digest('base64url');
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function isLongEnough(secret: unknown): boolean {
  return typeof secret === 'string' && secret.length >= MIN_SECRET_CHARACTERS;
}

import { randomBytes } from 'node:crypto';

/** How long a soak is, and what it draws by. */
export interface SoakSettings {
  readonly seed: string;
  readonly minutes: number;
  /** Ends the soak as well, whichever comes first. */
  readonly requests: number;
  readonly tenants: number;
}

const DEFAULT_MINUTES = 3;
const DEFAULT_TENANTS = 200;

/**
 * `SOAK_MINUTES` (3), `SOAK_REQUESTS` (any number), `SOAK_SEED` (a new one), `SOAK_TENANTS` (200). Where only requests
 * are given, they alone say when it is over.
 */
export function soakSettings(env: NodeJS.ProcessEnv = process.env): SoakSettings {
  const requests = positive(env, 'SOAK_REQUESTS') ?? Number.POSITIVE_INFINITY;
  const minutes = requests === Number.POSITIVE_INFINITY ? DEFAULT_MINUTES : Number.POSITIVE_INFINITY;
  return {
    seed: env['SOAK_SEED'] ?? randomBytes(4).toString('hex'),
    minutes: positive(env, 'SOAK_MINUTES') ?? minutes,
    requests,
    tenants: positive(env, 'SOAK_TENANTS') ?? DEFAULT_TENANTS,
  };
}

export function positive(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') {
    return undefined;
  }
  const value = Number(text);
  if (!(value > 0)) {
    throw new Error(`${name} is ${JSON.stringify(text)}, and takes a number above 0.`);
  }
  return value;
}

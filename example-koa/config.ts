import { resolve } from 'node:path';
import { z } from 'zod';
import { StartError } from './StartError.ts';

export interface Config {
  /** 0 takes any free port. */
  readonly port: number;
  /** The address to listen on; `0.0.0.0` for all. */
  readonly host: string;
  /** Tenants are its subdomains: `acme.localhost`. */
  readonly baseDomain: string;
  /** A PostgreSQL of one's own, or `undefined` for the embedded one. */
  readonly databaseUrl: string | undefined;
  /** Where the embedded PostgreSQL keeps its data, or `undefined` where nobody says. */
  readonly dataDir: string | undefined;
  /** The pages for operators, if there are any; see operators.ts. */
  readonly operators: { readonly port: number; readonly password: string } | undefined;
}

const DOMAIN = /^(?!.*\.\d+$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

const PORT_RULE = 'must be a number from 0 to 65535';

const port = z.string().regex(/^\d+$/, PORT_RULE).transform(Number).pipe(z.int().max(65_535, PORT_RULE));

const shape = z
  .object({
    PORT: port,
    HOST: z.string(),
    BASE_DOMAIN: z.string().regex(DOMAIN, 'must be a domain name in lower case, as "example.com"'),
    DATABASE_URL: z.string().refine(isPostgresUrl, 'must look like postgresql://user:password@host:port/').optional(),
    DATA_DIR: z
      .string()
      .transform((folder) => resolve(folder))
      .optional(),
    OPERATORS_PORT: port.optional(),
    OPERATORS_PASSWORD: z.string().min(16, 'must have 16 characters or more').optional(),
  })
  .refine(
    ({ OPERATORS_PORT, OPERATORS_PASSWORD }) => (OPERATORS_PORT === undefined) === (OPERATORS_PASSWORD === undefined),
    {
      path: ['OPERATORS_PORT and OPERATORS_PASSWORD'],
      message: 'must be set together, or not at all',
    },
  );

/** Reads the environment; an empty variable counts as not set. Throws {@link StartError}. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = shape.safeParse({
    PORT: '3000',
    // Only this machine: the demo has no login.
    HOST: '127.0.0.1',
    BASE_DOMAIN: 'localhost',
    ...given,
  });
  if (!parsed.success) {
    // Without the values: DATABASE_URL holds a password.
    throw new StartError(parsed.error.issues.map(({ path, message }) => `${path.join()} ${message}.`).join('\n'));
  }
  const { PORT, HOST, BASE_DOMAIN, DATABASE_URL, DATA_DIR, OPERATORS_PORT, OPERATORS_PASSWORD } = parsed.data;
  const operators =
    OPERATORS_PORT === undefined || OPERATORS_PASSWORD === undefined
      ? undefined
      : { port: OPERATORS_PORT, password: OPERATORS_PASSWORD };
  return {
    ...{ port: PORT, host: HOST, baseDomain: BASE_DOMAIN, databaseUrl: DATABASE_URL, dataDir: DATA_DIR },
    operators,
  };
}

function isPostgresUrl(value: string): boolean {
  return URL.canParse(value) && /^postgres(ql)?:$/.test(new URL(value).protocol) && new URL(value).hostname !== '';
}

import { z } from 'zod';
import { LONGEST_DELAY_MS } from '../../connections/Clock.ts';
import { TenancyConfigurationError } from '../../errors.ts';

/** What else a status looks at, and for how long. */
export interface FleetStatusOptions {
  /**
   * Whether each schema is compared with what the tenant's migrations come to. `true` has them applied to a new database
   * on each server, which is dropped afterwards, and so needs the right to create one; `{ reference }` takes the database
   * of that tenant instead. @default false
   */
  readonly drift?: boolean | { readonly reference: string } | undefined;
  /** How long one statement may take in a tenant's database, in milliseconds. @default 10000 */
  readonly statementTimeoutMs?: number | undefined;
  /** Ends it: nothing more is begun, and it rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Where schemas are compared with: a database built for it, or that of a tenant. */
export type DriftReference = { readonly is: 'built' } | { readonly is: 'tenant'; readonly tenantId: string };

export interface CheckedStatusOptions {
  /** `undefined` where nobody asks. */
  readonly drift: DriftReference | undefined;
  readonly statementTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export const STATUS_DEFAULTS = Object.freeze({ drift: false, statementTimeoutMs: 10_000 });

const shape = z.object({
  drift: z.union([z.boolean(), z.strictObject({ reference: z.string().min(1) })]).default(STATUS_DEFAULTS.drift),
  statementTimeoutMs: z.int().min(1).max(LONGEST_DELAY_MS).default(STATUS_DEFAULTS.statementTimeoutMs),
});

/** Throws `TenancyConfigurationError`, which names each option. */
export function checkStatusOptions(options: FleetStatusOptions): CheckedStatusOptions {
  const parsed = shape.safeParse(options);
  if (!parsed.success) {
    throw new TenancyConfigurationError(`\`fleet.status\`: ${z.prettifyError(parsed.error)}`);
  }
  const { drift, statementTimeoutMs } = parsed.data;
  return { drift: referenceOf(drift), statementTimeoutMs, signal: options.signal };
}

function referenceOf(drift: boolean | { readonly reference: string }): DriftReference | undefined {
  if (typeof drift === 'boolean') {
    return drift ? { is: 'built' } : undefined;
  }
  return { is: 'tenant', tenantId: drift.reference };
}

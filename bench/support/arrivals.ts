/** One answered or refused request. */
export interface Sample {
  readonly tenant: number;
  readonly tookMs: number;
  readonly failed: boolean;
}

export interface ArrivalOptions {
  /** Requests a second for each tenant, in its order. */
  readonly perSecond: readonly number[];
  readonly seconds: number;
  readonly send: (tenant: number) => Promise<unknown>;
}

/**
 * Sends requests at given rates, whether or not earlier ones have been answered, as users do. What a request took is
 * counted from when it was due, so that a sender that comes late hides nothing.
 */
export async function arrivals({ perSecond, seconds, send }: ArrivalOptions): Promise<Sample[]> {
  const due = perSecond
    .flatMap((rate, tenant) =>
      // Tenants do not all begin at the same moment.
      Array.from({ length: rate * seconds }, (_, n) => ({
        tenant,
        atMs: ((n + ((tenant * 0.618) % 1)) * 1_000) / rate,
      })),
    )
    .sort((one, other) => one.atMs - other.atMs);
  const startedAt = performance.now();
  const samples: Promise<Sample>[] = [];
  for (const { tenant, atMs } of due) {
    for (let waitMs = startedAt + atMs - performance.now(); waitMs > 0; ) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = startedAt + atMs - performance.now();
    }
    samples.push(sampleOf(tenant, startedAt + atMs, send));
  }
  return Promise.all(samples);
}

async function sampleOf(tenant: number, dueAt: number, send: (tenant: number) => Promise<unknown>): Promise<Sample> {
  let failed = false;
  try {
    await send(tenant);
  } catch {
    failed = true;
  }
  return { tenant, tookMs: performance.now() - dueAt, failed };
}

/** The value below which that share of the values is; NaN when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

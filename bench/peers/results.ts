import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LeakScenario } from './leakScenarios.ts';
import type { TenantCosts } from './tenantCosts.ts';
import type { Throughput } from './throughput.ts';

export const RESULTS = join(import.meta.dirname, '../results');

const FILE = join(RESULTS, 'peers.json');

export interface PeerResults {
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly cpus: number;
  readonly settings: Readonly<Record<string, number>>;
  readonly load?: readonly Throughput[];
  readonly costs?: readonly TenantCosts[];
  readonly leaks?: readonly LeakScenario[];
}

export function readResults(): PeerResults {
  return JSON.parse(readFileSync(FILE, 'utf8')) as PeerResults;
}

/** Keeps the parts of an earlier run that these results do not have. */
export function writeResults(results: PeerResults): void {
  const earlier = existsSync(FILE) ? readResults() : {};
  const rounded = (_key: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(3)) : value);
  writeFileSync(FILE, `${JSON.stringify({ ...earlier, ...results }, rounded, 2)}\n`);
}

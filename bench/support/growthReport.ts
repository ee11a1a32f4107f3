import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logLogChart, type Panel } from './charts/logLogChart.ts';
import { digits, tableOf, writeSection } from './markdown.ts';
import type { Series } from './results.ts';

const RESULTS = join(import.meta.dirname, '../results');

/** Below this the fit tells the noise of the machine. */
const FLAT = 0.1;

interface GrowthResult {
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly series: readonly Series[];
}

function lawOf({ exponent, each }: Series): string {
  const law = Math.abs(exponent) < FLAT ? 'flat' : `n^${digits(exponent)}`;
  return each === undefined ? law : `${law}, ${digits(each.value)} ${each.unit} each`;
}

function panelOf(series: readonly Series[], title: string, labels: Readonly<Record<string, string>>): Panel {
  const curves = Object.entries(labels).map(([what, label]) => ({
    label,
    points: series.find((one) => one.what === what)?.points ?? [],
  }));
  return { title, curves };
}

/** Writes the picture and the table of bench/README.md from the recorded results. */
export function reportGrowth(): void {
  const { date, versions, series } = JSON.parse(readFileSync(join(RESULTS, 'growth.json'), 'utf8')) as GrowthResult;
  const chart = logLogChart('Cost of growth', 'tenants', [
    panelOf(series, 'Memory of the tenants, MB', {
      'heap of the tenants': 'heap',
      'resident memory of the tenants': 'resident',
    }),
    panelOf(series, 'A request, ms', {
      'warm request, p50': 'warm, p50',
      'warm request, p99': 'warm, p99',
      'cold request, p50': 'cold, p50',
    }),
    panelOf(series, 'fleet.status(), ms', { 'fleet.status()': 'status' }),
    panelOf(series, 'Catalogue, ms', {
      'first read of the catalogue': 'first read',
      'poll of the catalogue': 'poll',
    }),
  ]);
  writeFileSync(join(RESULTS, 'growth.svg'), chart);
  const sizes = [...new Set(series.flatMap(({ points }) => points.map(([n]) => n)))];
  const rows = series.map((one) => {
    const values = new Map(one.points);
    const cells = sizes.map((n) => (values.has(n) ? digits(values.get(n) ?? 0) : ''));
    return [`${one.what}, ${one.unit}`, ...cells, lawOf(one)];
  });
  const head = ['', ...sizes.map((n) => digits(n)), 'Law'];
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  writeSection('growth', `Measured on ${date}: ${software.join(', ')}.\n\n${tableOf(head, rows)}`);
}

if (process.argv[1] === import.meta.filename) {
  reportGrowth();
}

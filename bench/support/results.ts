import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Utils } from '@mikro-orm/core';

/** One answer. `ratio` is what counts; the two values behind it hold for the machine of the day. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer?: number;
  readonly ratio?: number;
  /** What the issue asked for, in words, and whether it is so. */
  readonly aim?: { readonly is: string; readonly met: boolean };
}

/** How something grows with the number of tenants. */
export interface Series {
  readonly what: string;
  readonly unit: string;
  readonly points: readonly (readonly [tenants: number, value: number])[];
  /** The b of the power law `n^b` that fits best. */
  readonly exponent: number;
  /** What each one more adds, from the first point to the last. */
  readonly each?: { readonly value: number; readonly unit: string };
}

export interface Result {
  readonly question: string;
  /** What stands beside us. */
  readonly peer: string;
  readonly figures: readonly Figure[];
  readonly series?: readonly Series[];
  readonly postgres?: string;
}

const FOLDER = join(import.meta.dirname, '../results');

/** Prints the answers and keeps them as `bench/results/<name>.json`. */
export function record(name: string, result: Result): void {
  const { postgres, ...rest } = result;
  const versions = { node: process.versions.node, mikroOrm: Utils.getORMVersion(), ...(postgres && { postgres }) };
  const date = new Date().toISOString().slice(0, 10);
  const figures = result.figures.map(rounded);
  console.log(`\n${result.question}\n  beside us: ${result.peer}`);
  for (const figure of figures) {
    console.log(`  ${lineOf(figure)}`);
  }
  for (const { what, unit, points, exponent } of result.series ?? []) {
    const values = points.map(([tenants, value]) => `${tenants}: ${short(value)}`).join(', ');
    console.log(`  ${what}, ${unit}: ${values}; exponent ${short(exponent)}`);
  }
  mkdirSync(FOLDER, { recursive: true });
  const all = { date, versions, cpus: cpus().length, ...rest, figures };
  const text = JSON.stringify(all, (_key, value) => (typeof value === 'number' ? short(value) : value), 2);
  writeFileSync(join(FOLDER, `${name}.json`), `${text}\n`);
}

function lineOf({ what, unit, ours, peer, ratio, aim }: Figure): string {
  const values = peer === undefined ? `${ours} ${unit}` : `ours ${ours}, peer ${peer} ${unit}`;
  const compared = ratio === undefined ? '' : `, ratio ${ratio}`;
  const verdict = aim === undefined ? '' : ` (aim: ${aim.is}, ${aim.met ? 'met' : 'NOT met'})`;
  return `${what}: ${values}${compared}${verdict}`;
}

const short = (value: number): number => Number(value.toPrecision(3));

function rounded(figure: Figure): Figure {
  const entries = Object.entries(figure).map(([key, value]) => [key, typeof value === 'number' ? short(value) : value]);
  return Object.fromEntries(entries) as Figure;
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { tenancyMetricNames } from 'mikro-orm-multitenancy/prometheus';
import { METRICS, type MetricName, prometheusName } from '../../src/metrics/definitions.ts';
import { ROOT } from '../support/docs.ts';

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const dashboard: {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly definition?: string }[] };
} = JSON.parse(readFileSync(join(ROOT, 'docs/grafana/tenants.json'), 'utf8'));

const targets = dashboard.panels.flatMap(({ title, targets: of = [] }) => of.map((target) => ({ title, ...target })));
const expressions = [
  ...targets.map(({ expr }) => expr),
  ...dashboard.templating.list.flatMap(({ definition = [] }) => definition),
];
const metricsIn = (expression: string): string[] => expression.match(/\btenancy_\w+/g) ?? [];
/** A histogram is three series in Prometheus. */
const baseOf = (series: string): string => series.replace(/_(?:bucket|count|sum)$/, '');

/** The labels that a series has, beside those that Prometheus gives it. */
function labelsOf(series: string): readonly string[] {
  const name = (Object.keys(METRICS) as MetricName[]).find((one) => prometheusName(one) === baseOf(series));
  return [...(name === undefined ? [] : METRICS[name].labels), 'job', 'le'];
}

describe('the Grafana dashboard', () => {
  it('shows metrics that there are', () => {
    const unknown = expressions.flatMap(metricsIn).filter((name) => !tenancyMetricNames.includes(baseOf(name)));
    expect(unknown).toEqual([]);
    expect(targets.length).toBeGreaterThan(20);
  });

  it('shows each metric', () => {
    const shown = new Set(expressions.flatMap(metricsIn).map(baseOf));
    expect(tenancyMetricNames.filter((name) => !shown.has(name))).toEqual([]);
  });

  it('selects and groups by labels that its metrics have, and no tenant is among them', () => {
    const wrong = targets.flatMap(({ title, expr, legendFormat }) => {
      const has = metricsIn(expr).flatMap(labelsOf);
      const selected = [...expr.matchAll(/(\w+)\s*(?:=|!=|=~|!~)\s*"/g)].map(([, label = '']) => label);
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(', '));
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
      const missing = [...selected, ...grouped, ...named].filter((label) => !has.includes(label));
      const lost = named.filter((label) => !grouped.includes(label));
      return [...missing, ...lost].map((label) => `${title}: ${label}`);
    });
    expect(wrong).toEqual([]);
    expect(Object.values(METRICS).flatMap(({ labels }) => labels as readonly string[])).not.toContain('tenant');
  });

  it('has panels that do not lie on each other, each with a number of its own', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });
});

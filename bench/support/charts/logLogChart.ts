import { line, round, svg, text } from './svg.ts';

export interface Curve {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  readonly curves: readonly Curve[];
}

/** About what a letter of a label takes. */
const LETTER = 6.4;
const PANEL = { width: 380, height: 250, left: 52, right: 28, top: 50, bottom: 34 } as const;

interface Scale {
  /** Powers of ten. */
  readonly from: number;
  readonly to: number;
  readonly at: (value: number) => number;
}

function scaleOf(values: readonly number[], start: number, end: number): Scale {
  const from = Math.floor(Math.log10(Math.min(...values)));
  const to = Math.max(Math.ceil(Math.log10(Math.max(...values))), from + 1);
  return { from, to, at: (value) => start + ((Math.log10(value) - from) / (to - from)) * (end - start) };
}

const tick = (power: number): string =>
  power < 0 ? (10 ** power).toFixed(-power) : (10 ** power).toLocaleString('en');

/** Panels of curves over logarithmic axes, two in a row: a power law is a straight line, and its exponent the slope. */
export function logLogChart(title: string, xLabel: string, panels: readonly Panel[]): string {
  const rows = Math.ceil(panels.length / 2);
  const parts = panels.map((panel, index) => {
    const [x, y] = [(index % 2) * PANEL.width, Math.floor(index / 2) * PANEL.height];
    return `<g transform="translate(${x} ${y})">\n${panelParts(panel, xLabel).join('\n')}\n</g>`;
  });
  return svg(2 * PANEL.width, rows * PANEL.height, title, parts);
}

function panelParts({ title, curves }: Panel, xLabel: string): string[] {
  const { width, height, left, right, top, bottom } = PANEL;
  const points = curves.flatMap((curve) => curve.points);
  const x = scaleOf(
    points.map(([value]) => value),
    left,
    width - right,
  );
  const y = scaleOf(
    points.map(([, value]) => value),
    height - bottom,
    top,
  );
  const parts = [text(left, 18, title, 'title'), text(width - right, height - 4, xLabel, 'note end')];
  for (let power = y.from; power <= y.to; power += 1) {
    const at = y.at(10 ** power);
    parts.push(line(left, at, width - right, at), text(left - 6, at + 4, tick(power), 'note end'));
  }
  for (let power = x.from; power <= x.to; power += 1) {
    parts.push(text(x.at(10 ** power), height - bottom + 16, tick(power), 'note middle'));
  }
  let legendX = left;
  for (const [index, { label, points: own }] of curves.entries()) {
    const path = own.map(([px, py]) => `${round(x.at(px))} ${round(y.at(py))}`);
    parts.push(
      `<path class="curve stroke${index}" d="M${path.join('L')}"/>`,
      ...own.map(([px, py]) => `<circle class="fill${index}" r="3" cx="${round(x.at(px))}" cy="${round(y.at(py))}"/>`),
      `<circle class="fill${index}" r="4" cx="${round(legendX + 4)}" cy="32"/>`,
      text(legendX + 13, 36, label, 'note'),
    );
    legendX += 30 + label.length * LETTER;
  }
  return parts;
}

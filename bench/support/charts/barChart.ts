import { BESIDE, round, svg, text } from './svg.ts';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Said beside the bar. */
  readonly note: string;
  /** Ours is set off from the others. */
  readonly isOurs: boolean;
}

export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const LABELS = 190;
const NOTES = 230;
const ROW = 20;
const HEAD = 34;

/** Groups of horizontal bars, one below the other; lengths are comparable within a group. */
export function barChart(title: string, groups: readonly BarGroup[]): string {
  const parts: string[] = [];
  let y = 0;
  for (const { title: groupTitle, bars } of groups) {
    y += HEAD;
    parts.push(text(0, y - 10, groupTitle, 'title'));
    const longest = Math.max(...bars.map(({ value }) => value));
    for (const { label, value, note, isOurs } of bars) {
      const width = (Math.max(value, 0) / longest) * (WIDTH - LABELS - NOTES);
      parts.push(
        text(LABELS - 8, y + 14, label, 'end'),
        `<rect class="fill${isOurs ? 0 : BESIDE}" x="${LABELS}" y="${y + 3}" width="${round(width)}" height="14" rx="2"/>`,
        text(LABELS + width + 6, y + 14, note, 'note'),
      );
      y += ROW;
    }
  }
  return svg(WIDTH, y + 8, title, parts);
}

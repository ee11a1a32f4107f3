/** By number, on a light page and on a dark one. The last one is for whoever stands beside. */
const COLOURS = [
  ['#0969da', '#58a6ff'],
  ['#bc4c00', '#f0883e'],
  ['#1a7f37', '#3fb950'],
  ['#6e7781', '#8b949e'],
] as const;

export const BESIDE = COLOURS.length - 1;

/** Written out, as few programs but browsers know variables of CSS. */
const coloursOf = (page: 0 | 1): string =>
  COLOURS.map((pair, n) => `.fill${n} { fill: ${pair[page]}; } .stroke${n} { stroke: ${pair[page]}; }`).join('\n  ');

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 14px; font-weight: 600; }
  .note { fill: #57606a; font-size: 11px; }
  .end { text-anchor: end; } .middle { text-anchor: middle; }
  .line { stroke: #d0d7de; fill: none; } .curve { fill: none; stroke-width: 2; }
  ${coloursOf(0)}
  @media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .note { fill: #9198a1; } .line { stroke: #3d444d; }
  ${coloursOf(1)}
  }`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export function text(x: number, y: number, content: string, className = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${className}">${escaped(content)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<path class="line" d="M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}"/>`;
}

export const round = (value: number): number => Math.round(value * 10) / 10;

/** A whole picture without a background of its own, so that it is legible on any page. */
export function svg(width: number, height: number, title: string, parts: readonly string[]): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`;
  return `${[head, `<title>${escaped(title)}</title>`, `<style>${STYLE}\n</style>`, ...parts, '</svg>'].join('\n')}\n`;
}

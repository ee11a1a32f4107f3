/** Colours and letters of both pictures, for a light page and a dark one. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 14px; font-weight: 600; }
  .note { fill: #57606a; font-size: 11px; }
  .end { text-anchor: end; } .middle { text-anchor: middle; }
  .line { stroke: #d0d7de; fill: none; }
  .c0 { --c: #0969da; } .c1 { --c: #bc4c00; } .c2 { --c: #1a7f37; } .c3 { --c: #8250df; } .c4 { --c: #6e7781; }
  .bar { fill: var(--c); } .curve { stroke: var(--c); fill: none; stroke-width: 2; } .dot { fill: var(--c); }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .note { fill: #9198a1; } .line { stroke: #3d444d; }
    .c0 { --c: #58a6ff; } .c1 { --c: #f0883e; } .c2 { --c: #3fb950; } .c3 { --c: #bc8cff; } .c4 { --c: #8b949e; }
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

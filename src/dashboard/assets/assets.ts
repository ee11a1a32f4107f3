import { createHash } from 'node:crypto';
import { SCRIPT_TEXT } from './script.ts';
import { STYLE_TEXT } from './style.ts';

export interface Asset {
  /** Below the dashboard. Another one for each text, so that browsers may keep it. */
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

function asset(text: string, extension: 'css' | 'js'): Asset {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return Object.freeze({ path: `/assets/${hash}.${extension}`, type: extension, text });
}

export const STYLE = asset(STYLE_TEXT, 'css');
export const SCRIPT = asset(SCRIPT_TEXT, 'js');

export function assetAt(path: string): Asset | undefined {
  return [STYLE, SCRIPT].find((one) => one.path === path);
}

import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

const PROGRAMS = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A browser that asks nobody but this machine. */
const ARGUMENTS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** The browser of this machine; `undefined` where there is none. */
export const CHROMIUM = PROGRAMS.find(
  (program) => program !== undefined && program !== '' && spawnSync(program, ['--version']).status === 0,
);

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM ?? '', args: ARGUMENTS });
}

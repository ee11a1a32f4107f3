import { describe, it } from '@jest/globals';

/** A program that npm does not bring. */
export interface Needed {
  readonly name: string;
  readonly isInstalled: boolean;
  /** Of Debian, which CI installs. */
  readonly package: string;
}

/**
 * A `describe` of what nothing but the real program shows. Where it is not installed, a single skipped test says so: `npm test`
 * must pass on a machine that has Node.js and npm alone.
 */
export function describeWhere(needed: Needed, title: string, cases: () => void): void {
  describe(title, () => {
    if (needed.isInstalled) {
      cases();
    } else {
      it.skip(`is not shown here: ${needed.name} is not installed (Debian: apt-get install ${needed.package})`, () => {});
    }
  });
}

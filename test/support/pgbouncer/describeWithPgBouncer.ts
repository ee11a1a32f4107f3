import { describe, it } from '@jest/globals';
import { PgBouncer } from './PgBouncer.ts';

/** A `describe` of what only a real PgBouncer shows; without one, a single skipped test says so. */
export function describeWithPgBouncer(name: string, cases: () => void): void {
  describe(name, () => {
    if (PgBouncer.program === undefined) {
      it.skip('is not shown here: PgBouncer is not installed (Debian, Ubuntu: apt-get install pgbouncer)', () => {});
    } else {
      cases();
    }
  });
}

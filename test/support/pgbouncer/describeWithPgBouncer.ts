import { describeWhere } from '../describeWhere.ts';
import { PgBouncer } from './PgBouncer.ts';

/** A `describe` of what only a real PgBouncer shows. */
export function describeWithPgBouncer(title: string, cases: () => void): void {
  const isInstalled = PgBouncer.program !== undefined;
  describeWhere({ name: 'PgBouncer', isInstalled, package: 'pgbouncer' }, title, cases);
}

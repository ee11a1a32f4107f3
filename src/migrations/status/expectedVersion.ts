import type { MigrationDifferences } from './compareMigrations.ts';

/** Why there is nothing to compare a schema with. */
export interface NotComparable {
  readonly because: string;
}

/** How many of the `known` migrations, from the first one on, the schema of a database should come to. */
export function expectedVersion(
  { pending, ahead, outOfOrder }: Pick<MigrationDifferences, 'pending' | 'ahead' | 'outOfOrder'>,
  known: number,
): number | NotComparable {
  if (ahead.length > 0) {
    return { because: `migrations were applied that the application does not know: ${ahead.join(', ')}` };
  }
  const gap = pending.find((name) => outOfOrder.includes(name));
  return gap === undefined
    ? known - pending.length
    : { because: `"${gap}" is pending although later migrations were applied` };
}

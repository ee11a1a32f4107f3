import type { KnownMigration } from '../MigrationFiles.ts';

/** How one database's list of migrations differs from what the application knows. Each list is of names. */
export interface MigrationDifferences {
  /** What was applied last. */
  readonly version: string | undefined;
  /** Known and not applied, in the order in which they would be. */
  readonly pending: readonly string[];
  /** Applied after all that are known: the application is older than the database. */
  readonly ahead: readonly string[];
  /** Applied and not known any more. */
  readonly missing: readonly string[];
  /** Known, and applied after one that comes later, or not applied although one that comes later was. */
  readonly outOfOrder: readonly string[];
  /** Applied, and of another checksum than recorded then. */
  readonly edited: readonly string[];
  /** How many are applied and known without a checksum of then: whether they were edited cannot be said. */
  readonly unverified: number;
}

/** `executed` is in the order of application; `recorded` has the checksums of then by name, where there are any. */
export function compareMigrations(
  known: readonly KnownMigration[],
  executed: readonly string[],
  recorded: ReadonlyMap<string, string> | undefined,
): MigrationDifferences {
  const appliedAt = new Map(executed.map((name, n) => [name, n]));
  const names = new Set(known.map(({ name }) => name));
  const lastKnown = executed.findLastIndex((name) => names.has(name));
  const strangers = executed.filter((name) => !names.has(name));
  const isAhead = (name: string): boolean => lastKnown >= 0 && (appliedAt.get(name) ?? 0) > lastKnown;
  const applied = known.filter(({ name }) => appliedAt.has(name));
  return {
    version: executed.at(-1),
    pending: known.filter(({ name }) => !appliedAt.has(name)).map(({ name }) => name),
    ahead: strangers.filter(isAhead),
    missing: strangers.filter((name) => !isAhead(name)),
    outOfOrder: outOfOrder(known, appliedAt),
    edited: applied.filter((one) => isComparable(one, recorded) && !isSame(one, recorded)).map(({ name }) => name),
    unverified: applied.filter((one) => !isComparable(one, recorded)).length,
  };
}

function outOfOrder(known: readonly KnownMigration[], appliedAt: ReadonlyMap<string, number>): string[] {
  let earliestLater = Number.POSITIVE_INFINITY;
  const late: string[] = [];
  for (const { name } of known.toReversed()) {
    const at = appliedAt.get(name) ?? Number.POSITIVE_INFINITY;
    if (at > earliestLater) {
      late.unshift(name);
    }
    earliestLater = Math.min(earliestLater, at);
  }
  return late;
}

/** Sources of different kinds, as TypeScript and what was compiled of it, say nothing of each other. */
function isComparable({ name, checksum }: KnownMigration, recorded: ReadonlyMap<string, string> | undefined): boolean {
  const before = recorded?.get(name);
  return before !== undefined && kindOf(before) === kindOf(checksum);
}

function isSame({ name, checksum }: KnownMigration, recorded: ReadonlyMap<string, string> | undefined): boolean {
  return recorded?.get(name) === checksum;
}

function kindOf(checksum: string): string {
  return checksum.slice(0, checksum.indexOf(':'));
}

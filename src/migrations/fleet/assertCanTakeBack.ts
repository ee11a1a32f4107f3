import type { KnownMigration } from '../MigrationFiles.ts';
import type { FleetMigration } from './FleetRun.ts';
import { FleetRollbackError } from './fleetErrors.ts';

/**
 * Those of the migrations that the database still has. Throws `FleetRollbackError` where others came after them, which
 * may build on them, or where the application does not have them any more.
 */
export function assertCanTakeBack(
  tenantId: string,
  takesBack: readonly FleetMigration[],
  executed: readonly string[],
  known: readonly KnownMigration[],
): string[] {
  const names = new Set(takesBack.map(({ name }) => name));
  const first = executed.findIndex((name) => names.has(name));
  if (first < 0) {
    return [];
  }
  const tail = executed.slice(first);
  const later = tail.filter((name) => !names.has(name));
  if (later.length > 0) {
    throw new FleetRollbackError(
      tenantId,
      `it was migrated further since (${later.join(', ')}), so that what the run applied is not taken back. Take back ` +
        'the later run first.',
    );
  }
  const unknown = tail.filter((name) => !known.some((migration) => migration.name === name));
  if (unknown.length > 0) {
    throw new FleetRollbackError(
      tenantId,
      `the application has no migration ${unknown.join(', ')} any more. Take it back with the version that applied it.`,
    );
  }
  return tail;
}

import type { Clause } from './Clause.ts';
import { connectionClauses } from './connectionClauses.ts';
import { contextClauses } from './contextClauses.ts';
import { entityClauses } from './entityClauses.ts';
import { libsqlClauses } from './libsqlClauses.ts';
import { migrationClauses } from './migrationClauses.ts';
import { ormClauses } from './ormClauses.ts';

export const clauses: readonly Clause[] = [
  ...ormClauses,
  ...entityClauses,
  ...contextClauses,
  ...connectionClauses,
  ...libsqlClauses,
  ...migrationClauses,
];

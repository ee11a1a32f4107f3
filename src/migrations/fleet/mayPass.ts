import { CredentialsError, connectFailureOf } from '../../connections/connectFailure.ts';
import { ConnectionBudgetExceededError, MigrationLockTimeoutError } from '../../errors.ts';

/**
 * SQL states whose cause may pass by itself, by class or in full: connections, serialization and deadlocks, too little
 * of something, an object in use, a lock that did not come in time, an operator who ended the session. See appendix A of
 * PostgreSQL's manual.
 */
const PASSING = ['08', '40001', '40P01', '53', '55006', '55P03', '57P'];

const PASSING_ERRORS = [MigrationLockTimeoutError, ConnectionBudgetExceededError, CredentialsError];

/** Whether it is worth trying the same once more. */
export function mayPass(error: unknown): boolean {
  if (['server', 'full'].includes(connectFailureOf(error))) {
    return true;
  }
  for (let reason = error; typeof reason === 'object' && reason !== null; reason = Reflect.get(reason, 'cause')) {
    if (PASSING_ERRORS.some((kind) => reason instanceof kind)) {
      return true;
    }
    const code: unknown = Reflect.get(reason, 'code');
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && PASSING.some((state) => code.startsWith(state))) {
      return true;
    }
  }
  return false;
}

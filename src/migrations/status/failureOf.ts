import { messageOf, TenancyError } from '../../errors.ts';
import type { StatusFailure } from './FleetStatus.ts';

/** An error as plain data: the code of this library, and what PostgreSQL calls it. */
export function failureOf(error: unknown): StatusFailure {
  const code = error instanceof TenancyError ? error.code : undefined;
  return { code, sqlState: sqlStateOf(error), message: messageOf(error) };
}

function sqlStateOf(error: unknown): string | undefined {
  for (let reason = error; typeof reason === 'object' && reason !== null; reason = Reflect.get(reason, 'cause')) {
    const code: unknown = Reflect.get(reason, 'code');
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) {
      return code;
    }
  }
  return undefined;
}

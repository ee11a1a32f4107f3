import { messageOf, TenancyError } from '../errors.ts';
import type { CliIo } from './CliIo.ts';

/** What a command says: results on stdout, as JSON where that was asked for, everything else on stderr. */
export class Output {
  readonly isJson: boolean;
  readonly #io: Pick<CliIo, 'stdout' | 'stderr'>;

  constructor(io: Pick<CliIo, 'stdout' | 'stderr'>, isJson: boolean) {
    this.#io = io;
    this.isJson = isJson;
  }

  /** The result: `value` as JSON, or `lines`. */
  result(value: unknown, lines: readonly string[]): void {
    const text = this.isJson ? JSON.stringify(value, withoutSecrets, 2) : lines.join('\n');
    if (text !== '') {
      this.#io.stdout.write(`${text}\n`);
    }
  }

  /** Something to know, which is no part of the result. */
  note(text: string): void {
    this.#io.stderr.write(`${text}\n`);
  }

  failure(error: unknown): void {
    const message = messageOf(error);
    if (this.isJson) {
      const { code, tenantId } = error instanceof TenancyError ? error : { code: undefined, tenantId: undefined };
      this.result({ error: { code, tenantId, message } }, []);
    }
    this.note(`error: ${message}`);
  }
}

/** Errors as results keep what they say; their other properties may hold what nobody should see. */
function withoutSecrets(_key: string, value: unknown): unknown {
  if (value instanceof Error) {
    return { code: value instanceof TenancyError ? value.code : undefined, message: value.message };
  }
  return typeof value === 'bigint' ? value.toString() : value;
}

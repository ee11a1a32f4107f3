import type pg from 'pg';
import type { TenantSession } from './SessionSettings.ts';

/** Sends a statement as it is. */
export type Send = (text: string, parameters: readonly unknown[]) => Promise<pg.QueryResult>;

const BEGIN = /^\s*(?:begin|start\s+transaction)\b[^;]*/i;

/** What PostgreSQL refuses to run inside of a transaction, and so together with anything else. */
const ALONE =
  /^\s*(?:vacuum|reindex|cluster|alter\s+system|(?:create|drop)\s+(?:database|(?:unique\s+)?index\s+concurrently))\b/i;

/**
 * Gives each transaction the settings of the tenant. For connections through a pooler, which refuses or drops settings
 * at the start of a session, and gives the session to another tenant's user after each transaction.
 *
 * A statement of its own is sent in one message with the settings, which PostgreSQL runs as one transaction, so that it
 * costs no round trip more. With parameters there is no such message: `begin`, the statement and `commit` are three.
 */
export class TransactionSession {
  readonly #settings: string;
  readonly #count: number;
  readonly #isReadOnly: boolean;

  constructor({ parameters, isReadOnly }: TenantSession) {
    const local = parameters.map(({ name, value }) => `set local ${name.replace(/^default_/, '')} = ${value};`);
    this.#settings = local.join('');
    this.#count = local.length;
    this.#isReadOnly = isReadOnly;
  }

  /** Begins a transaction with the settings. */
  get begin(): string {
    return `begin;${this.#settings}`;
  }

  /** Sends a statement that begins outside of every transaction. */
  run(send: Send, text: string, parameters: readonly unknown[]): Promise<pg.QueryResult> {
    const [begin] = BEGIN.exec(text) ?? [];
    if (begin !== undefined) {
      const rest = text.slice(begin.length).replace(/^;/, '');
      return this.#together(send, `${begin};`, rest, 1);
    }
    if (ALONE.test(text) && !this.#isReadOnly) {
      return send(text, parameters);
    }
    return parameters.length === 0 ? this.#together(send, '', text, 0) : this.#apart(send, text, parameters);
  }

  /** Sends `before`, the settings and `after` in one message, and gives the results without those of the settings. */
  async #together(send: Send, before: string, after: string, resultsBefore: number): Promise<pg.QueryResult> {
    try {
      const sent = (await send(`${before}${this.#settings}${after}`, [])) as pg.QueryResult | pg.QueryResult[];
      const results = [sent].flat();
      const settings = results.splice(resultsBefore, this.#count);
      const [result = settings.at(-1), ...more] = results;
      return (more.length > 0 ? results : result) as pg.QueryResult;
    } catch (error) {
      throw moved(error, before.length === 0 ? this.#settings.length : 0);
    }
  }

  async #apart(send: Send, text: string, parameters: readonly unknown[]): Promise<pg.QueryResult> {
    await send(this.begin, []);
    let result: pg.QueryResult;
    try {
      result = await send(text, parameters);
    } catch (error) {
      // What the statement said is worth more than what a lost connection says of the rollback.
      await send('rollback', []).catch(() => {});
      throw error;
    }
    await send('commit', []);
    return result;
  }
}

/** The position in an error counts from the start of the message, of which the caller has written only the end. */
function moved(error: unknown, by: number): unknown {
  const { position } = error as { readonly position?: string };
  if (position !== undefined && Number(position) > by) {
    (error as { position: string }).position = String(Number(position) - by);
  }
  return error;
}

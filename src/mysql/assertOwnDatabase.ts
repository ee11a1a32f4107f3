import { TenancyConfigurationError } from '../errors.ts';
import { bareText } from './statementText.ts';

/** What every account may read of the server itself. */
const OF_EVERYBODY = new Set(['information_schema', 'performance_schema']);

/** A name with a database before it, where a statement has a table or a routine: MikroORM writes it there alone. */
const QUALIFIED =
  /\b(?:from|join|into|(?<!\bkey\s+)update|ignore|table|tables|exists|references|call|using)\s+\(?\s*(`(?:[^`]|``)+`|[\w$\u0080-\uffff]+)\s*\.\s*[`\w$\u0080-\uffff]/gi;

/** Where `from` is no table's. */
const FUNCTIONS = /\b(?:extract|trim|substr(?:ing)?)\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)/gi;

/** The statement that chooses another database, also as a comment that the server executes. */
const USE = /^[\s;(]*(?:\/\*M?!\d*\s*)?use\b/i;

/** Whose statements they are. */
export interface StatementOwner {
  readonly tenantId: string;
  readonly database: string;
}

/**
 * Throws {@link TenancyConfigurationError} for a statement that plainly names a table of another database, or chooses
 * another one: on MySQL a schema of MikroORM's is a database, so that `schema` in an entity, an option or a QueryBuilder
 * would lead to another tenant. This reads text, and is no wall against code that hides what it does: the wall is an account
 * that may use the one database only.
 */
export function assertOwnDatabase(owner: StatementOwner, text: string): void {
  if (isSuspicious(owner, text)) {
    const bare = bareText(text).replace(FUNCTIONS, ' ');
    const other = USE.test(bare) ? 'by `use`' : otherDatabaseIn(owner, bare);
    if (other !== undefined) {
      throw new TenancyConfigurationError(
        `Tenant "${owner.tenantId}": a statement names another database than the tenant's (${other}), and was refused. ` +
          'Leave `schema` out of entities, options and queries, and run work of another tenant as that tenant.',
        { tenantId: owner.tenantId },
      );
    }
  }
}

/** Most statements are not, and need not be read more closely. Comments can stand between any two words. */
function isSuspicious(owner: StatementOwner, text: string): boolean {
  return USE.test(text) || text.includes('/*') || /--\s|#/.test(text) || otherDatabaseIn(owner, text) !== undefined;
}

function otherDatabaseIn({ database }: StatementOwner, text: string): string | undefined {
  for (const [, written = ''] of text.matchAll(QUALIFIED)) {
    const name = written.startsWith('`') ? written.slice(1, -1).replaceAll('``', '`') : written;
    const folded = name.toLowerCase();
    if (folded !== database && !OF_EVERYBODY.has(folded)) {
      return name;
    }
  }
  return undefined;
}

import { TenancyConfigurationError } from '../errors.ts';

const LITERAL_OR_COMMENT = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;

/** Its statements are between `begin` and `end`. */
const TRIGGER = /^\s*create\s+(?:temp(?:orary)?\s+)?trigger\b[\s\S]*\bend\s*;?\s*$/i;

/**
 * Throws {@link TenancyConfigurationError} for a text of several statements: libSQL runs the first one and says nothing of
 * the others.
 */
export function assertOneStatement(tenantId: string, text: string): void {
  if (!text.includes(';')) {
    return;
  }
  const bare = text.replace(LITERAL_OR_COMMENT, (found) => (/^[-/]/.test(found) ? ' ' : "''"));
  if (/;\s*[^\s;]/.test(bare.replace(/^[\s;]+/, '')) && !TRIGGER.test(bare)) {
    throw new TenancyConfigurationError(
      `Tenant "${tenantId}": a text has more than one statement, of which libSQL would run the first alone. Send them one ` +
        'by one, in a transaction where they belong together.',
      { tenantId },
    );
  }
}

import { bareText } from './statementText.ts';

const VERB =
  /^[\s(]*(?:select|show|insert|update|delete|replace|with|begin|commit|rollback|savepoint|release\s+savepoint)\b/i;

/** User variables and settings, and comments that the server executes. */
const TRACE = /@|:=|\/\*/;

/** What looks like the call of a function, or is one. */
const CALL = /(\.\s*)?(`[^`]*`|[\w$]+)\s*\(/g;

/** The list of columns of an `insert` looks like the call of a function that is called as the table. */
const COLUMNS = /\b(?:insert|replace)\s+(?:ignore\s+)?into\s+(?:`[^`]*`|[\w$]+)\s*\(/i;

/** A longer one is not read: that costs more than what it may save. */
const MAX_LENGTH = 100_000;

const WORDS =
  'all and any as between by case distinct div else end exists from group having in index interval into is join key like ' +
  'limit match mod not on or order over partition recursive returning select set some then union use using value values ' +
  'when where with binary char decimal double signed unsigned varchar';

const FUNCTIONS =
  'abs avg bin_to_uuid cast ceil ceiling char_length coalesce concat concat_ws convert count crc32 curdate current_date ' +
  'current_timestamp curtime database date date_add date_format date_sub datediff day dense_rank first_value floor ' +
  'from_unixtime greatest group_concat hex hour if ifnull instr json_array json_arrayagg json_contains json_extract ' +
  'json_keys json_length json_merge_patch json_object json_objectagg json_overlaps json_remove json_search json_set ' +
  'json_table json_unquote json_valid json_value lag last_value lcase lead least left length locate lower lpad ltrim max ' +
  'md5 min minute month now nullif point position rand rank regexp_like replace right round row row_number rpad rtrim ' +
  'second sha1 sha2 st_astext st_geomfromtext str_to_date substr substring sum time timestamp timestampdiff trim ucase ' +
  'unhex unix_timestamp upper utc_date utc_timestamp uuid uuid_to_bin version year';

const HARMLESS = new Set(`${WORDS} ${FUNCTIONS}`.split(' '));

/**
 * Whether a statement surely leaves nothing in its session, beside what a transaction holds: the usual statements, by
 * functions of the server that are known. What is not sure costs the reset of the session, and no more. A view or a trigger
 * can call what is not seen here.
 */
export function leavesNothing(text: string): boolean {
  if (text.length > MAX_LENGTH || !VERB.test(text)) {
    return false;
  }
  const bare = bareText(text);
  return !TRACE.test(bare) && callsAreHarmless(bare.replace(COLUMNS, ' '));
}

function callsAreHarmless(bare: string): boolean {
  for (const [, dot, name = ''] of bare.matchAll(CALL)) {
    if (dot !== undefined || !HARMLESS.has(name.toLowerCase())) {
      return false;
    }
  }
  return true;
}

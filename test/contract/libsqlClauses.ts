import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type Database from 'libsql';
import { ROOT } from '../support/docs.ts';
import { type Clause, expectNames, expectThat, type Peers } from './Clause.ts';

type Open = () => Database.Database;

const FILE_FUNCTIONS = ['readfile', 'writefile', 'fsdir', 'sha3_query'];
const LOCKED = 'pragma locking_mode = exclusive; begin exclusive; commit';
const CORRECT = { returning: "insert into t values (2, 'b') returning id", more: "insert into t values (3, 'c')" };

/** Functions and tables of SQL by which no other file is reached. */
const HARMLESS = `
  -> ->> abs acos acosh asin asinh atan atan2 atanh atn2 avg bm25 ceil ceiling changes char charindex coalesce concat
  concat_ws cos cosh cot coth count cume_dist current_date current_time current_timestamp date datetime degrees
  dense_rank difference exp first_value floor format fts3_tokenizer fts5 fts5_source_id geopoly_area geopoly_bbox
  geopoly_blob geopoly_ccw geopoly_contains_point geopoly_debug geopoly_group_bbox geopoly_json geopoly_overlap
  geopoly_regular geopoly_svg geopoly_within geopoly_xform glob group_concat hex highlight ifnull iif instr json
  json_array json_array_length json_error_position json_extract json_group_array json_group_object json_insert
  json_object json_patch json_quote json_remove json_replace json_set json_type json_valid jsonb jsonb_array
  jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace
  jsonb_set julianday lag last_insert_rowid last_rows_affected last_value lead leftstr length libsql_vector_idx like
  likelihood likely ln load_extension log log10 lower lower_quartile lsmode ltrim match matchinfo max median min mode
  nth_value ntile nullif octet_length offsets optimize padc padl padr percent_rank pi power printf proper quote
  radians random randomblob rank regexp regexpi replace replicate reverse rightstr round row_number rtreecheck
  rtreedepth rtreenode rtrim sha3 sign sin sinh snippet soundex sqlite3mc_codec_data sqlite3mc_config
  sqlite3mc_config_table sqlite3mc_version sqlite_compileoption_get sqlite_compileoption_used sqlite_crypt sqlite_log
  sqlite_source_id sqlite_version sqrt square stdev strfilter strftime string_agg substr substring subtype sum tan
  tanh time timediff total total_changes trim typeof unhex unicode unixepoch unlikely upper upper_quartile uuid
  uuid_blob uuid_str variance vector vector16 vector1bit vector32 vector64 vector8 vector_distance_cos
  vector_distance_l2 vector_extract vectorb16 zeroblob carray dbstat fts3 fts3tokenize fts4 fts4aux fts5vocab
  generate_series geopoly json_each json_tree pragma_function_list pragma_module_list rtree rtree_i32 sqlite_dbpage
  sqlite_stmt vector_top_k
`;

/** What is between a tenant and its file of libSQL. */
export const libsqlClauses: readonly Clause[] = [
  {
    of: 'libsql',
    holds: 'what a connection writes after a statement with `returning` that a lock refused is never committed',
    reliedOnBy: ['libsql/LibsqlHandle.ts'],
    to: 'ask for no lock but when a file is opened, which one that lets go would make needless',
    check: (peers) =>
      withFile(peers, (open) => {
        const [one, other] = [open(), open()];
        other.exec('begin immediate');
        expectThat(codeOf(() => one.prepare(CORRECT.returning).all()) === 'SQLITE_BUSY', 'it is not refused');
        other.exec('commit');
        one.prepare(CORRECT.more).run();
        expectThat(countIn(other) === 1, 'what comes after it is committed');
        one.close();
        expectThat(codeOf(() => other.exec(CORRECT.more)) === 'SQLITE_BUSY', 'it is let go at the end');
        collect();
      }),
  },
  {
    of: 'libsql',
    holds: 'a statement that fails otherwise is over: what its connection writes from then on is committed',
    reliedOnBy: ['libsql/LibsqlHandle.ts'],
    to: 'go on with a connection after a statement that failed',
    check: (peers) =>
      withFile(peers, (open) => {
        const [one, other] = [open(), open()];
        one.exec("create trigger no before insert on t when new.n = 'no' begin select raise(abort, 'no'); end");
        for (const [index, name] of ['a', 'no'].entries()) {
          const failing = `insert into t values (${10 + index}, 'fine${index}'), (${20 + index}, '${name}') returning id`;
          const code = codeOf(() => one.prepare(failing).all()) ?? '';
          expectThat(code.startsWith('SQLITE_CONSTRAINT'), `it comes to ${code}`);
          one.prepare(`insert into t values (${30 + index}, 'after ${index}') returning id`).all();
          expectThat(countIn(other) === 2 + index, 'what comes after it is not committed');
        }
        other.exec('begin exclusive; rollback');
      }),
  },
  {
    of: 'libsql',
    holds: 'of what `exec` sends nothing stays open, and a database with nothing prepared is closed at once',
    reliedOnBy: ['libsql/LibsqlHandle.ts', 'libsql/ownFile.ts'],
    to: 'ask for locks that may be refused, and to let go of those that were not',
    check: (peers) =>
      withFile(peers, (open) => {
        const [one, other] = [open(), open()];
        other.exec('begin exclusive');
        expectThat(codeOf(() => one.exec('begin exclusive')) === 'SQLITE_BUSY', 'it is not refused');
        other.exec('commit');
        one.exec(CORRECT.more);
        expectThat(countIn(other) === 2, 'what comes after it is not committed');
        one.exec(LOCKED);
        expectThat(codeOf(() => other.exec('begin exclusive')) === 'SQLITE_BUSY', 'the lock is not kept');
        one.close();
        expectThat(codeOf(() => other.exec('begin exclusive; rollback')) === undefined, 'the lock is kept in the end');
      }),
  },
  {
    of: 'libsql',
    holds: 'a lock is let go by `locking_mode = normal` and a statement that reads, whatever was prepared',
    reliedOnBy: ['libsql/LibsqlHandle.ts'],
    to: 'give a file that it closes to others at once',
    check: (peers) =>
      withFile(peers, (open) => {
        const [one, other] = [open(), open()];
        one.exec(LOCKED);
        const kept = one.prepare('select * from t');
        kept.all();
        one.exec('pragma locking_mode = normal; select count(*) from sqlite_master');
        expectThat(codeOf(() => other.exec('begin exclusive; rollback')) === undefined, 'it is kept');
        expectThat(kept.all().length === 1, 'what was prepared has no rows');
      }),
  },
  {
    of: 'libsql',
    holds: 'a database that is closed stays open until what was prepared on it is collected, and no longer',
    reliedOnBy: ['libsql/ClosedHandles.ts'],
    to: 'keep the number of open files within bounds, which a `close` that closes would make needless',
    check: (peers) =>
      withFile(peers, async (open) => {
        const other = open();
        closeLocked(open());
        expectThat(codeOf(() => other.exec('select * from t')) === 'SQLITE_BUSY', 'it is closed before that');
        collect();
        await new Promise((resolve) => setTimeout(resolve, 1));
        expectThat(codeOf(() => other.exec('select * from t')) === undefined, 'it is still open');
      }),
  },
  {
    of: 'libsql',
    holds: 'a database that was closed and a statement that ended young are collected with the young objects',
    reliedOnBy: ['libsql/ClosedHandles.ts'],
    to: 'not have the whole heap collected, which stops the process for longer the more it has',
    check: (peers) =>
      withFile(peers, async (open) => {
        const [other, old] = [open(), open()];
        collect();
        closeLocked(old);
        collect({ type: 'minor' });
        await new Promise((resolve) => setTimeout(resolve, 1));
        expectThat(codeOf(() => other.exec('select * from t')) === undefined, 'it is still open');
      }),
  },
  {
    of: 'libsql',
    holds: 'other files are reached by `readfile`, `writefile`, `fsdir`, and a text in `sha3_query`; no view has these',
    reliedOnBy: ['libsql/assertNoFileFunctions.ts'],
    to: "keep statements from other tenants' files by these names",
    check: (peers) =>
      withFile(peers, (open) => {
        const one = open();
        const namesIn = (list: string): string[] =>
          (one.prepare(`select name from pragma_${list}_list`).all() as { readonly name: string }[]).map(
            ({ name }) => name,
          );
        expectNames('SQL', [...namesIn('function'), ...namesIn('module')], HARMLESS, FILE_FUNCTIONS);
        for (const call of [
          "readfile('x')",
          "writefile('x', 'y')",
          "(select name from fsdir('.'))",
          "sha3_query('')",
        ]) {
          const index = call.length;
          one.exec(`create view v${index} as select ${call} as it`);
          expectThat(
            codeOf(() => one.prepare(`select * from v${index}`).all()) === 'SQLITE_ERROR',
            `a view has ${call}`,
          );
        }
      }),
  },
  {
    of: 'libsql',
    holds: 'of a text with several statements `prepare` takes the first one and says nothing of the others',
    reliedOnBy: ['libsql/assertOneStatement.ts'],
    to: 'refuse such a text rather than run a part of it',
    check: (peers) =>
      withFile(peers, (open) => {
        const one = open();
        one.prepare("insert into t values (4, 'd'); insert into t values (5, 'e')").run();
        expectThat(countIn(one) === 2, 'both are run');
      }),
  },
  {
    of: 'libsql',
    holds:
      'the process is ended by a boolean parameter, a text that is no UTF-8, and `inTransaction` of what is closed',
    reliedOnBy: ['libsql/LibsqlHandle.ts', 'libsql/assertBindable.ts'],
    to: 'ask for none of these',
    check: () => {
      const statements = [
        "d.prepare('select ?').all([true])",
        "d.prepare('select char(55296)').all()",
        `d.prepare("select json_extract(?, '$')").all(['"' + String.fromCharCode(92) + 'ud800"'])`,
        'd.close(); d.inTransaction',
      ];
      for (const statement of statements) {
        const { signal } = spawnSync(
          process.execPath,
          ['-e', `const d = new (require('libsql'))(':memory:'); ${statement}`],
          {
            cwd: ROOT,
            env: { ...process.env, NODE_OPTIONS: '' },
          },
        );
        expectThat(signal === 'SIGABRT', `it is not by ${statement}`);
      }
    },
  },
  {
    of: 'libsql',
    holds: 'a blob is read as an ArrayBuffer, and a text up to its first NUL',
    reliedOnBy: ['libsql/LibsqlHandle.ts', 'libsql/assertBindable.ts'],
    to: 'give blobs as `better-sqlite3` does, and refuse texts that would not be read as they were written',
    check: (peers) =>
      withFile(peers, (open) => {
        const [row] = open().prepare('select ? as text, ? as blob').all('a\0b', Buffer.from('c')) as [
          { readonly text: unknown; readonly blob: unknown },
        ];
        expectThat(row.text === 'a', `a text is ${JSON.stringify(row.text)}`);
        expectThat(Object.prototype.toString.call(row.blob) === '[object ArrayBuffer]', 'a blob is something else');
      }),
  },
  {
    of: 'libsql',
    holds: 'a file that is not there is made, `fileMustExist` or not',
    reliedOnBy: ['libsql/LibsqlHandle.ts'],
    to: 'look for the file itself',
    check: ({ libsql: Libsql }) =>
      withFolder((folder) => {
        const path = join(folder, 'missing.db');
        const made = new Libsql(path, { fileMustExist: true });
        made.exec('create table t (id)');
        made.close();
        expectThat(existsSync(path), 'it is not made');
      }),
  },
];

async function withFolder(work: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tenancy-contract-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file with one row. */
function withFile({ libsql: Libsql }: Peers, work: (open: Open) => void | Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const open: Open = () => new Libsql(join(folder, 'one.db'), { timeout: 0 });
    const first = open();
    first.exec("create table t (id integer primary key, n text unique); insert into t values (1, 'a')");
    first.close();
    await work(open);
  });
}

/** Nothing of the caller's holds on to it. */
function closeLocked(database: Database.Database): void {
  database.exec(LOCKED);
  database.prepare('select * from t').all();
  database.close();
}

const countIn = (database: Database.Database): number =>
  (database.prepare('select count(*) n from t').all() as [{ readonly n: number }])[0].n;

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}

/** Everything, which it does without an argument alone. */
function collect(...options: [] | [{ readonly type: 'minor' }]): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as typeof collect;
  setFlagsFromString('--no-expose-gc');
  gc(...options);
}

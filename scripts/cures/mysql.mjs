import { cure, edit } from './cure.mjs';

const SESSIONS = 'integration/mysql/sessions';
const CONNECTIONS = 'integration/mysql/connections';

const one = (name, file, from, to, ...tests) => cure('–', name, edit(`mysql/${file}`, from, to), ...tests);

/** MySQL and MariaDB: whose a session is, and what may stay in it. */
export const mysqlCures = [
  one('MySQL: the proof of the database', 'MysqlSession.ts', 'if (actual !== database) {', 'if (false) {', CONNECTIONS),
  one('MySQL: a session is reset', 'MysqlConnection.ts', 'if (this.#isChanged) {', 'if (false) {', SESSIONS),
  one(
    'MySQL: the settings come back after a reset',
    'MysqlSession.ts',
    / {4}await this\.#prove\(\);\n {4}await this\.#set\(\);/,
    '',
    SESSIONS,
  ),
  one(
    'MySQL: what is not known may leave something',
    'leavesNothing.ts',
    'if (dot !== undefined || !HARMLESS.has(name.toLowerCase())) {',
    'if (false) {',
    SESSIONS,
    'unit/mysql',
  ),
  one(
    'MySQL: a transaction does not stay',
    'MysqlConnection.ts',
    'return this.#isInTransaction;',
    'return false;',
    SESSIONS,
  ),
  one(
    'MySQL: unread rows do not stay',
    'MysqlConnection.ts',
    'super.isBusy || this.#streams > 0',
    'super.isBusy',
    SESSIONS,
  ),
  one(
    'MySQL: a schema is another database',
    'MysqlConnection.ts',
    'assertOwnDatabase(this.#owner, text);',
    '',
    'mysql',
  ),
  one('MySQL: no schema at init', 'MysqlServerDatabases.ts', 'assertOrm: assertNoSchemas,', '', 'mysql', CONNECTIONS),
  one(
    'MySQL: a database that was chosen in hiding',
    'MysqlConnection.ts',
    'if (chosen && chosen !== database) {',
    'if (false) {',
    SESSIONS,
  ),
  one(
    'MySQL: a readonly session',
    'MysqlSession.ts',
    "isReadOnly ? ['set session transaction read only'] : []",
    '[]',
    SESSIONS,
  ),
  one('MySQL: no file of this process', 'openMysql.ts', "flags: ['-LOCAL_FILES'],", '', SESSIONS),
  one('MySQL: no second statement', 'openMysql.ts', 'multipleStatements: false', 'multipleStatements: true', SESSIONS),
  one(
    'MySQL: a statement that nobody waits for is ended',
    'MysqlConnection.ts',
    'await this.#kill(this.#threadId);',
    '',
    'mysql',
  ),
  one(
    'MySQL: the lock of a migration',
    'MysqlServer.ts',
    '.locked) === 1;',
    '.locked) >= 0;',
    'integration/mysql/migrations',
  ),
  one('MySQL: names that are one on every server', 'databaseName.ts', '!NAME.test(name) || ', '', 'unit/mysql'),
];

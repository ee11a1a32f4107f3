/** What is used of the package, which has no types of its own. */
declare module 'better-sqlite3' {
  import type { SqliteHandle } from '../files/SqliteHandle.ts';

  const Database: new (
    path: string,
    options: {
      readonly readonly: boolean;
      readonly fileMustExist: boolean;
      /** How long SQLite itself waits for a lock, in milliseconds. */
      readonly timeout: number;
    },
  ) => SqliteHandle;
  export default Database;
}

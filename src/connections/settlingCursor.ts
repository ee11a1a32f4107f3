import type pg from 'pg';

/** What `pg-cursor` has beside what `pg` asks for. */
interface Cursor {
  read?(rows: number): Promise<readonly unknown[]>;
  close?(): Promise<void>;
}

/** The connection that a cursor is on. */
export interface CursorConnection {
  readonly broken: boolean;
  /** Calls `listener` once the connection is gone. Gives what takes the listener back. */
  onGone(listener: () => void): () => void;
  /** Why nothing can be read any more. */
  readonly refusal: Error;
}

/**
 * Makes a cursor settle when its connection goes. It waits for answers of the server, and hears of no error any more once
 * the last row was there: a read under way would never come to its end then, nor would `close`.
 */
export function settlingCursor<Q extends pg.Submittable>(cursor: Q, connection: CursorConnection): Q {
  const { read, close } = cursor as Cursor;
  if (read === undefined || close === undefined) {
    return cursor;
  }
  return Object.assign(cursor, {
    read: (rows: number) => unlessGone(connection, read.call(cursor, rows), ({ reject }) => reject(connection.refusal)),
    close: async (): Promise<void> => {
      if (!connection.broken) {
        await unlessGone(connection, close.call(cursor), ({ resolve }) => resolve());
      }
    },
  });
}

async function unlessGone<R>(
  connection: CursorConnection,
  answer: Promise<R>,
  settle: (gone: PromiseWithResolvers<R>) => void,
): Promise<R> {
  const gone = Promise.withResolvers<R>();
  // What the cursor is told of it, as the reason of the server, comes a moment later, and says more.
  const hear = (): void => void setImmediate(settle, gone);
  const forget = connection.onGone(hear);
  if (connection.broken) {
    hear();
  }
  return Promise.race([answer, gone.promise]).finally(forget);
}

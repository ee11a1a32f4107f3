import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** A stream that is listened to from the beginning: a file that cannot be opened says so before anything is written. */
export class WrittenStream {
  readonly stream: Writable;
  /** Everything has arrived. */
  readonly written: Promise<void>;
  /** Never resolves; rejects where the stream fails. */
  readonly failed: Promise<never>;

  constructor(stream: Writable) {
    this.stream = stream;
    this.written = finished(stream, { readable: false });
    this.failed = new Promise((_resolve, reject) => {
      this.written.catch(reject);
    });
    this.failed.catch(() => {});
  }
}

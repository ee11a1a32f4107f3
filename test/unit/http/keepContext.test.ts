import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { keepContext, keepContextOfEvents, keepContextOfStream } from '../../../src/http/keepContext.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Runs what follows as somebody; whoever reads, cancels or emits is nobody. */
const storage = new AsyncLocalStorage<string>();
const as = <R>(who: string, work: () => R): R => storage.run(who, work);

describe('a body whose handler is over', () => {
  it('produces as who made it, whoever reads it', async () => {
    const seen: (string | undefined)[] = [];
    async function* chunks() {
      for (const chunk of ['a', 'b', 'c']) {
        seen.push(storage.getStore());
        yield chunk;
        await turn();
      }
    }
    const body = as('acme', () => {
      const made = Readable.from(chunks());
      keepContext(made);
      return made;
    });
    expect(await as('globex', () => body.toArray())).toEqual(['a', 'b', 'c']);
    expect(seen).toEqual(['acme', 'acme', 'acme']);
  });

  it.each(['destroyed', 'destroyed with an error'])('ends as who made it when it is %s', async (how) => {
    const ended = Promise.withResolvers<string | undefined>();
    const body = as('acme', () => {
      const made = new Readable({
        read() {},
        destroy(error, callback) {
          ended.resolve(storage.getStore());
          callback(error);
        },
      });
      keepContext(made);
      return made;
    });
    body.on('error', () => {});
    as('globex', () => body.destroy(how === 'destroyed' ? undefined : new Error('gone')));
    expect(await ended.promise).toBe('acme');
    expect(body.destroyed).toBe(true);
  });

  it('is left alone where it is no stream', () => {
    for (const body of [undefined, null, 'text', Buffer.from('a'), { pipe: 1 }]) {
      expect(() => keepContext(body)).not.toThrow();
    }
    expect(() => keepContextOfStream(null)).not.toThrow();
  });
});

describe('a web stream whose handler is over', () => {
  const streamOf = (seen: (string | undefined)[], chunks: number) =>
    as('acme', () => {
      const made = new ReadableStream<number>(
        {
          pull: (controller) => {
            seen.push(storage.getStore());
            controller.enqueue(seen.length);
            if (seen.length === chunks) {
              controller.close();
            }
          },
          cancel: () => void seen.push(`cancelled by ${storage.getStore()}`),
        },
        // Nothing is produced before it is asked for.
        { highWaterMark: 0 },
      );
      keepContextOfStream(made);
      return made;
    });

  it('produces as who made it, whoever reads it', async () => {
    const seen: (string | undefined)[] = [];
    const reader = as('globex', () => streamOf(seen, 3).getReader());
    await turn();
    const read: (number | undefined)[] = [];
    for (
      let next = await as('globex', () => reader.read());
      !next.done;
      next = await as('globex', () => reader.read())
    ) {
      read.push(next.value);
      await turn();
    }
    expect(read).toEqual([1, 2, 3]);
    expect(seen).toEqual(['acme', 'acme', 'acme']);
  });

  it('is cancelled as who made it', async () => {
    const seen: (string | undefined)[] = [];
    const reader = streamOf(seen, 3).getReader();
    await as('globex', () => reader.cancel('gone'));
    expect(seen).toEqual(['cancelled by acme']);
  });
});

describe('the events of a request', () => {
  it('run their listeners as who kept them, whoever emits them, and tell whether there were any', async () => {
    const request = new EventEmitter();
    as('acme', () => keepContextOfEvents(request));
    const late = once(request, 'end').then(() => storage.getStore());
    const seen: (string | undefined)[] = [];
    request.on('data', () => seen.push(storage.getStore()));
    expect(as('globex', () => [request.emit('data'), request.emit('nobody listens'), request.emit('end')])).toEqual([
      ...[true, false, true],
    ]);
    await turn();
    request.emit('data');
    expect(seen).toEqual(['acme', 'acme']);
    // Not where a promise goes on: that is where it was awaited.
    expect(await late).toBeUndefined();
  });

  it('are of the later one where they are kept twice', () => {
    const request = new EventEmitter();
    const seen: (string | undefined)[] = [];
    request.on('data', () => seen.push(storage.getStore()));
    as('acme', () => keepContextOfEvents(request));
    as('globex', () => keepContextOfEvents(request));
    request.emit('data');
    expect(seen).toEqual(['globex']);
  });
});

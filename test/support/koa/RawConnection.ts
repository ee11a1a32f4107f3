import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

const HEAD = /^HTTP\/1\.1 (\d{3})[^\r]*\r\n([\s\S]*?)\r\n\r\n/;

/** Sends bytes as they are, one request after the other, on one connection for as long as the server keeps it. */
export class RawConnection implements Disposable {
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** The answer to one request. Rejects when there is none. */
  async exchange(bytes: string): Promise<RawAnswer> {
    const socket = await this.#open();
    const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
    let received = '';
    const take = (isOver: boolean): void => {
      const answer = answerOf(received, isOver);
      if (answer !== undefined) {
        resolve(answer);
      }
    };
    const onData = (chunk: string): void => {
      received += chunk;
      take(false);
    };
    const onClose = (): void => {
      this.#socket = undefined;
      take(true);
      reject(new Error(`No answer, but ${JSON.stringify(received)}`));
    };
    socket.on('data', onData).on('close', onClose).write(bytes, 'latin1');
    try {
      return await promise;
    } finally {
      socket.off('data', onData).off('close', onClose);
      if (/^connection: close\r$/im.test(received)) {
        this[Symbol.dispose]();
      }
    }
  }

  async #open(): Promise<Socket> {
    if (this.#socket === undefined || this.#socket.destroyed || this.#socket.readableEnded) {
      this.#socket = connect(this.#port, '127.0.0.1').setEncoding('latin1');
      this.#socket.on('error', () => {});
      await once(this.#socket, 'connect');
    }
    return this.#socket;
  }

  /** The next request gets another connection. */
  [Symbol.dispose](): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }
}

function answerOf(received: string, isOver: boolean): RawAnswer | undefined {
  const [head, status = '', headers = ''] = HEAD.exec(received) ?? [];
  if (head === undefined) {
    return undefined;
  }
  const body = received.slice(head.length);
  const length = /^content-length: (\d+)\r?$/im.exec(headers)?.[1];
  const isChunked = /^transfer-encoding: chunked\r?$/im.test(headers);
  const isEnded = isOver || (isChunked && body.endsWith('0\r\n\r\n'));
  const isComplete = length === undefined ? isEnded : body.length >= Number(length);
  return isComplete ? { status: Number(status), body: isChunked ? withoutFrames(body) : body } : undefined;
}

/** The content of a chunked body whose content has no line breaks. */
function withoutFrames(body: string): string {
  return body.replace(/(?:^|\r\n)[0-9a-f]+\r\n/gi, '').trimEnd();
}

import type { Socket } from 'node:net';

const END_OF_HEAD = '\r\n\r\n';
const CONTENT_LENGTH = /\r\ncontent-length: (\d+)/i;

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * Sends one request on a keep-alive connection that has no other under way. It reads of an answer what it must, so that
 * the server is what is measured; an answer without a Content-Length is an error.
 */
export function exchange(socket: Socket, request: string): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) {
      throw new Error('The server closed the connection between two requests.');
    }
    let received = '';
    const done = (end: () => void): void => {
      socket.off('data', onData);
      socket.off('close', onClose);
      end();
    };
    const onClose = (): void => done(() => reject(new Error('The server closed the connection.')));
    const onData = (chunk: Buffer): void => {
      received += chunk.toString('latin1');
      const head = received.indexOf(END_OF_HEAD);
      if (head === -1) {
        return;
      }
      const [, length] = CONTENT_LENGTH.exec(received) ?? [];
      if (length === undefined) {
        done(() => reject(new Error(`The server answered without a Content-Length:\n${received}`)));
      } else if (received.length >= head + END_OF_HEAD.length + Number(length)) {
        const status = Number(received.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length));
        done(() => resolve({ status, text: received.slice(head + END_OF_HEAD.length) }));
      }
    };
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.write(request);
  });
}

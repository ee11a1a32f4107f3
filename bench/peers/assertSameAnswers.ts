import type { BenchServer } from '../support/BenchServer.ts';
import { PeerLoad } from './PeerLoad.ts';
import { PeerProcess } from './PeerProcess.ts';
import { optionsOf, sides } from './plan.ts';

/** Throws unless every side answers with the same bytes: who says less has less to do. */
export async function assertSameAnswers(server: BenchServer, databases: readonly string[]): Promise<void> {
  let expected: string | undefined;
  for (const side of sides) {
    await using peer = await PeerProcess.start(optionsOf(side, { url: server.url, databases }));
    using load = await PeerLoad.open(peer.port, 1);
    const { status, text } = await load.ask(0, 0);
    expected ??= text;
    if (status !== 200 || text !== expected) {
      throw new Error(`${side.name} answers ${status}: ${text}\ninstead of ${expected}`);
    }
  }
}

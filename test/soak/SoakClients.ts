import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Changes } from './Changes.ts';
import { HOUSES } from './entities.ts';
import type { Judge, Outcome, Visit } from './Judge.ts';
import { SeededRandom } from './SeededRandom.ts';
import type { Tally } from './Tally.ts';

const CLIENTS = 64;
/** A client that was refused does not come again at once. */
const RETRY_MS = 10;
/** Longer than anything may take that comes to an end. */
const TIMEOUT_MS = 60_000;

const PATHS = {
  '/read': 40,
  '/injected': 15,
  '/transfer': 20,
  '/nested': 8,
  '/side-by-side': 5,
  '/stream': 6,
  '/stream?pause': 4,
  '/nobody': 2,
} as const;

/** How many requests a client has for one tenant before it turns to another. */
const STAY = { least: 1, most: 40 };
/** How many of them are for a tenant to whom something is being done, and how many requests hang up. */
const CURIOUS = 0.2;
/** How many of the other tenants that a request works for are ones that have clients now. */
const SOCIABLE = 0.85;
const IMPATIENT = 0.04;

export interface ClientsOptions {
  readonly seed: string;
  readonly port: number;
  readonly ids: readonly string[];
  /** Tenants to whom something is being done. */
  readonly underway: () => readonly string[];
  readonly judge: Judge;
  readonly changes: Changes;
  readonly tally: Tally;
  readonly isOver: () => boolean;
}

/** Clients that send one request after the other. */
export class SoakClients {
  readonly #options: ClientsOptions;
  /** The tenant of each client. */
  readonly #staying: string[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /** Resolves when all requests have come to something, after the soak is over. */
  async run(): Promise<void> {
    const { tally } = this.#options;
    tally.doing.set('clients', 'their last requests');
    await Promise.all(Array.from({ length: CLIENTS }, (_, n) => this.#client(n)));
    tally.doing.delete('clients');
    this.#agent.destroy();
  }

  async #client(n: number): Promise<void> {
    const random = new SeededRandom(this.#options.seed, `client ${n}`);
    let [id, stays] = ['', 0];
    while (!this.#options.isOver()) {
      [id, stays] = stays > 0 ? [id, stays - 1] : [this.#tenant(random), random.between(STAY.least, STAY.most)];
      this.#staying[n] = id;
      const visit = this.#visit(random, id);
      const hangUpAfterMs = random.chance(IMPATIENT) ? random.between(0, 40) : undefined;
      this.#options.changes.sent(visit);
      const from = performance.now();
      const outcome = await this.#send(visit, hangUpAfterMs);
      this.#options.changes.answered(visit, outcome);
      this.#options.judge.judge(visit, outcome, from, performance.now());
      if (outcome.is !== 'answered' || outcome.status !== 200) {
        await pause(RETRY_MS);
      }
    }
  }

  #tenant(random: SeededRandom): string {
    const { ids, underway } = this.#options;
    const curious = random.chance(CURIOUS) ? underway().filter((one) => ids.includes(one)) : [];
    return random.pick(curious.length > 0 ? curious : ids);
  }

  #other(random: SeededRandom): string {
    return random.pick(random.chance(SOCIABLE) ? this.#staying : this.#options.ids);
  }

  /**
   * Always upwards, so that no two requests hold a connection of what the other one waits for; and the next one, so that
   * those at the end are not everybody's.
   */
  #above(random: SeededRandom, id: string): string | undefined {
    const all = random.chance(SOCIABLE) ? this.#staying : this.#options.ids;
    return all.reduce<string | undefined>(
      (next, one) => (one > id && (next === undefined || one < next) ? one : next),
      undefined,
    );
  }

  #visit(random: SeededRandom, id: string): Visit {
    const path = random.weighted(PATHS);
    const from = 1 + random.below(HOUSES);
    const to = 1 + ((from + random.below(HOUSES - 1)) % HOUSES);
    const visit = { path, id, others: [], from, to };
    switch (path) {
      case '/nobody':
        return { ...visit, id: `nobody-${random.below(1_000)}` };
      case '/nested': {
        const above = this.#above(random, id);
        return above === undefined ? { ...visit, path: '/read' } : { ...visit, others: [above] };
      }
      case '/side-by-side':
        return { ...visit, others: [this.#other(random), this.#other(random), this.#other(random)] };
      default:
        return visit;
    }
  }

  #send(visit: Visit, hangUpAfterMs: number | undefined): Promise<Outcome> {
    return new Promise((resolve) => {
      let hungUp = false;
      let response: IncomingMessage | undefined;
      const sent = request({
        host: '127.0.0.1',
        port: this.#options.port,
        method: visit.path === '/transfer' ? 'POST' : 'GET',
        path: pathOf(visit),
        headers: { host: `${visit.id}.example.com`, accept: 'application/json' },
        agent: this.#agent,
      });
      const hangUp = (): void => {
        hungUp = true;
        sent.destroy();
      };
      const timers = [setTimeout(() => sent.destroy(new Error(`nothing for ${TIMEOUT_MS} ms`)), TIMEOUT_MS)];
      if (hangUpAfterMs !== undefined) {
        timers.push(setTimeout(hangUp, hangUpAfterMs));
      }
      const done = (outcome: Outcome): void => {
        timers.forEach(clearTimeout);
        resolve(hungUp ? { is: 'hung up' } : outcome);
      };
      const failed = (error: Error & { readonly code?: string }): void =>
        // Koa cuts the connection of a stream that fails before its first byte.
        done(
          response !== undefined || (visit.path.startsWith('/stream') && error.code === 'ECONNRESET')
            ? { is: 'cut' }
            : { is: 'failed', why: String(error) },
        );
      sent.on('error', failed);
      sent.on('response', (incoming) => {
        response = incoming;
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', failed);
        incoming.on('end', () =>
          done({
            is: 'answered',
            status: incoming.statusCode ?? 0,
            retryAfter: incoming.headers['retry-after'],
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      sent.end();
    });
  }
}

function pathOf({ path, others, from, to }: Visit): string {
  switch (path) {
    case '/transfer':
      return `${path}?from=${from}&to=${to}`;
    case '/nested':
      return `${path}?from=${from}&to=${to}&other=${others.join()}`;
    case '/side-by-side':
      return `${path}?other=${others.join()}`;
    case '/stream?pause':
      return '/stream?pause=1';
    case '/nobody':
      return '/read';
    default:
      return path;
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import { type Announcements, CATALOG } from './Announcements.ts';
import { SeededRandom } from './SeededRandom.ts';
import { CONNECT_TIMEOUT_MS, SERVING, type SoakWorld } from './SoakWorld.ts';
import type { Tally } from './Tally.ts';

const KILLS = { one: 10, all: 4 };
const NETWORK = { reset: 4, stall: 4, cut: 6, refuse: 3, silence: 3 };

/** By when it has come to all sockets that something is wrong with them. */
const NOTICED_WITHIN_MS = 1_000;
/** After a server is reached again, those who waited for it come to their end. */
const RECOVERED_WITHIN_MS = 2_000;

export interface SaboteurOptions {
  readonly seed: string;
  readonly world: SoakWorld;
  readonly announcements: Announcements;
  readonly tally: Tally;
  readonly taken: ReadonlySet<string>;
  readonly isOver: () => boolean;
}

/** Ends sessions, and does to the network of one server what networks do. Says so beforehand. */
export class Saboteur {
  readonly #options: SaboteurOptions;

  constructor(options: SaboteurOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    await Promise.all([this.#kill(), this.#forget(), this.#disturb()]);
  }

  /** Sessions of one tenant at a time, so that nobody else may notice. */
  async #kill(): Promise<void> {
    const { seed, world, announcements, tally, taken, isOver } = this.#options;
    const random = new SeededRandom(seed, 'killer');
    while (!isOver()) {
      await pause(random.between(100, 600));
      const kind = random.weighted(KILLS);
      const id = random.pick(world.ids.filter((one) => !taken.has(one)));
      const announcement = announcements.begin(id, 'killed');
      const most = kind === 'one' ? 1 : null;
      const ended = await world.terminate(world.serverOf(id), 'application_name', `tenant:${id}`, most);
      announcement.over(NOTICED_WITHIN_MS);
      tally.count('faults', ended > 0 ? `killed ${kind}` : 'killed nobody');
    }
  }

  /** Sessions by which requests look tenants up, and hear of changes. */
  async #forget(): Promise<void> {
    const { seed, world, announcements, tally, isOver } = this.#options;
    const random = new SeededRandom(seed, 'catalogue');
    while (!isOver()) {
      await pause(random.between(2_000, 8_000));
      const announcement = announcements.begin(CATALOG, 'catalog');
      await world.terminate('sound', 'usename', SERVING, null);
      announcement.over(NOTICED_WITHIN_MS);
      tally.count('faults', 'catalogue');
    }
  }

  /** Now and then, so that there are times in which nothing may fail. */
  async #disturb(): Promise<void> {
    const { seed, announcements, tally, isOver } = this.#options;
    const random = new SeededRandom(seed, 'network');
    while (!isOver()) {
      await pause(random.between(5_000, 15_000));
      const kind = random.weighted(NETWORK);
      const announcement = announcements.begin('faulty', 'network');
      tally.doing.set('network', kind);
      await this.#fault(kind, random);
      await pause(NOTICED_WITHIN_MS);
      await this.#reached();
      tally.doing.delete('network');
      announcement.over(RECOVERED_WITHIN_MS);
      tally.count('faults', kind);
    }
  }

  async #fault(kind: keyof typeof NETWORK, random: SeededRandom): Promise<void> {
    const { proxy } = this.#options.world;
    switch (kind) {
      case 'reset':
        return proxy.reset();
      case 'stall':
        proxy.stall();
        await pause(silenceMs(random));
        return proxy.resume();
      case 'silence':
        proxy.holdHandshakes();
        await pause(silenceMs(random));
        return proxy.resume();
      case 'cut':
        return proxy.cutAtMessage('D');
      default: {
        const stopped = proxy.stopListening();
        await pause(random.between(100, 1_500));
        // A server with connections is closed only once they are gone.
        proxy.reset();
        await stopped;
        return proxy.listen();
      }
    }
  }

  /** Until no breaker keeps requests away from the server. */
  async #reached(): Promise<void> {
    const { serving, operating } = this.#options.world;
    const isDown = (): boolean =>
      [serving, operating].some((manager) => {
        const { breakers = {} } = manager.stats().servers['faulty'] ?? {};
        return Object.values(breakers).some((state) => state !== 'closed');
      });
    while (isDown() && !this.#options.isOver()) {
      await pause(50);
    }
  }
}

/** Mostly short, and now and then longer than a connection may take to open. */
function silenceMs(random: SeededRandom): number {
  return random.chance(0.1) ? CONNECT_TIMEOUT_MS + 1_000 : random.between(50, 1_000);
}

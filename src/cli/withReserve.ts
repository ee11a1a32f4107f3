import { SERVER_DEFAULTS, type ServerOptions } from '../connections/ServerOptions.ts';
import { UsageError } from './CliIo.ts';
import type { AnyManagerOptions } from './TenancyConfig.ts';

/** Connections that are left for anything but migrations. */
const OTHERS = 2;

/** For how many migrations at once on each server there shall be room. */
export interface MigrationRoom {
  readonly migrations: number;
  /** Whether less will not do; otherwise it is what `maxConnections` allows. */
  readonly isRequired: boolean;
}

/** Room for one, which any server has. */
export const ROOM_FOR_ONE: MigrationRoom = Object.freeze({ migrations: 1, isRequired: false });

/** How many migrations at once where nobody says, as far as there are connections. */
const USUAL_CONCURRENCY = 4;

/** The room for what `--concurrency` says, or for as many as there are connections, up to {@link USUAL_CONCURRENCY}. */
export function roomFor(concurrency?: number): MigrationRoom {
  return { migrations: concurrency ?? USUAL_CONCURRENCY, isRequired: concurrency !== undefined };
}

/**
 * The same options, with room for so many migrations at once on each server. `maxConnections` stays what it is: it is what
 * this process may have of the server. Throws `UsageError` where that is too little for what is required.
 */
export function withReserve(
  options: AnyManagerOptions,
  { migrations, isRequired }: MigrationRoom = ROOM_FOR_ONE,
): AnyManagerOptions {
  const change = (server: string | ServerOptions): ServerOptions => {
    const given = typeof server === 'string' ? { url: server } : server;
    const {
      maxConnections = SERVER_DEFAULTS.maxConnections,
      reservedConnections = SERVER_DEFAULTS.reservedConnections,
    } = given;
    // One more, for a statement outside of a migration's transaction.
    const wanted = Math.max(reservedConnections, migrations + 1);
    if (isRequired && migrations > 1 && wanted + OTHERS > maxConnections) {
      throw new UsageError(
        `--concurrency ${migrations} needs ${wanted + OTHERS} connections of the server, and \`maxConnections\` is ` +
          `${maxConnections}. Without --concurrency it is as many as there is room for.`,
      );
    }
    // What the application reserves itself may leave less for others.
    const left = Math.max(reservedConnections, maxConnections - OTHERS);
    return { ...given, reservedConnections: Math.max(1, Math.min(wanted, left, maxConnections - 1)) };
  };
  const { server, servers } = options;
  return {
    ...options,
    ...(server === undefined ? {} : { server: change(server) }),
    ...(servers === undefined
      ? {}
      : { servers: Object.fromEntries(Object.entries(servers).map(([name, one]) => [name, change(one)])) }),
  };
}

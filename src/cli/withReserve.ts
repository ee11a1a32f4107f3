import { SERVER_DEFAULTS, type ServerOptions } from '../connections/ServerOptions.ts';
import { UsageError } from './CliIo.ts';
import type { AnyManagerOptions } from './TenancyConfig.ts';

/** Connections that are left for anything but migrations. */
const OTHERS = 2;

/**
 * The same options, with room for so many migrations at once on each server. `maxConnections` stays what it is: it is what
 * this process may have of the server.
 */
export function withReserve(options: AnyManagerOptions, migrations: number): AnyManagerOptions {
  const change = (server: string | ServerOptions): ServerOptions => {
    const given = typeof server === 'string' ? { url: server } : server;
    const { maxConnections = SERVER_DEFAULTS.maxConnections } = given;
    // One more, for a statement outside of a migration's transaction.
    const reservedConnections = Math.max(
      given.reservedConnections ?? SERVER_DEFAULTS.reservedConnections,
      migrations + 1,
    );
    if (reservedConnections + OTHERS > maxConnections && migrations > 1) {
      throw new UsageError(
        `--concurrency ${migrations} needs ${reservedConnections + OTHERS} connections of the server, and \`maxConnections\` is ` +
          `${maxConnections}.`,
      );
    }
    return { ...given, reservedConnections: Math.min(reservedConnections, Math.max(1, maxConnections - 1)) };
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

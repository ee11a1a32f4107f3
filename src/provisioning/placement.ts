import { TenancyConfigurationError } from '../errors.ts';

/** What a server is to new tenants. */
export interface ServerRoom {
  /** How much of the tenants it takes beside the others. @default 1 */
  readonly weight?: number | undefined;
  /** Where it is, for tenants that ask for a region. */
  readonly region?: string | undefined;
  /** At most so many tenants. @default no limit */
  readonly maxTenants?: number | undefined;
}

/** A server as {@link PlacementOptions.choose} sees it. */
export interface ServerLoad extends ServerRoom {
  readonly name: string;
  /** Tenants that are there now, whatever their status. */
  readonly tenants: number;
}

/** On which server a new tenant is put. */
export interface PlacementOptions {
  /** By the names of `servers`. */
  readonly servers?: Readonly<Record<string, ServerRoom>> | undefined;
  /** Names the server of a new tenant. @default the one with the fewest tenants for its weight */
  readonly choose?:
    | ((
        tenant: { readonly id: string; readonly region: string | undefined },
        servers: readonly ServerLoad[],
      ) => string | Promise<string>)
    | undefined;
}

export interface Placement {
  readonly id: string;
  readonly region: string | undefined;
  readonly options: PlacementOptions;
  /** All of them. */
  readonly servers: readonly string[];
  readonly tenants: ReadonlyMap<string, number>;
}

/** The server of a new tenant. Throws `TenancyConfigurationError` where none has room. */
export async function placeTenant({ id, region, options, servers, tenants }: Placement): Promise<string> {
  const loads = servers.map((name) => ({ name, tenants: tenants.get(name) ?? 0, ...options.servers?.[name] }));
  if (options.choose !== undefined) {
    const chosen = await options.choose({ id, region }, loads);
    if (!servers.includes(chosen)) {
      throw refusal(
        id,
        `\`placement.choose\` named the server ${JSON.stringify(chosen)}, which is none of \`servers\``,
      );
    }
    return chosen;
  }
  const fitting = loads.filter((load) => region === undefined || load.region === region);
  const [best] = fitting
    .filter((load) => load.tenants < (load.maxTenants ?? Number.POSITIVE_INFINITY))
    .sort((a, b) => a.tenants / (a.weight ?? 1) - b.tenants / (b.weight ?? 1));
  if (best === undefined) {
    throw refusal(
      id,
      fitting.length === 0
        ? `no server is in the region ${JSON.stringify(region)}`
        : 'every server that it may be on has `maxTenants` already',
    );
  }
  return best.name;
}

function refusal(tenantId: string, why: string): TenancyConfigurationError {
  return new TenancyConfigurationError(`Tenant "${tenantId}" has no place: ${why}. Add a server, or name one.`, {
    tenantId,
  });
}

import { z } from 'zod';
import { checkOptions, countFrom, time } from '../databases/options.ts';
import { folderPath } from './folderPath.ts';

/** What databases in one folder that have one user at a time take beside the folder, each option with its default. */
export interface OneUserDefaults {
  readonly maxOpen: number;
  readonly acquireTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxWaitingPerTenant: number;
  readonly maxWaiting: number;
}

/** The options with their defaults; `folder` is absolute. */
export interface CheckedOneUserOptions extends OneUserDefaults {
  readonly folder: string;
}

/** Throws `TenancyConfigurationError`, which names each option. `who` is the function that takes them. */
export function checkOneUserOptions(who: string, defaults: OneUserDefaults, options: unknown): CheckedOneUserOptions {
  const shape = z.strictObject({
    folder: folderPath,
    maxOpen: countFrom(1).default(defaults.maxOpen),
    acquireTimeoutMs: time.default(defaults.acquireTimeoutMs),
    idleTimeoutMs: time.default(defaults.idleTimeoutMs),
    maxWaitingPerTenant: countFrom(0).default(defaults.maxWaitingPerTenant),
    maxWaiting: countFrom(0).default(defaults.maxWaiting),
  });
  return checkOptions(who, shape, options);
}

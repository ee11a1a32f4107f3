import { z } from 'zod';
import { LONGEST_DELAY_MS } from '../connections/Clock.ts';
import { TenancyConfigurationError } from '../errors.ts';

export const countFrom = (least: number) => z.int().min(least);

/** In milliseconds. */
export const time = z.int().min(1).max(LONGEST_DELAY_MS);

/** Throws `TenancyConfigurationError`, which names each option. `who` is the function that takes them. */
export function checkOptions<S extends z.ZodType<object>>(
  who: string,
  shape: S,
  options: unknown,
): Readonly<z.output<S>> {
  const parsed = shape.safeParse(options);
  if (!parsed.success) {
    throw new TenancyConfigurationError(`${who}: ${z.prettifyError(parsed.error)}`);
  }
  return Object.freeze(parsed.data);
}

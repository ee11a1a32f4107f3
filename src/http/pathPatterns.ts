import { TenancyConfigurationError } from '../errors.ts';

const EXACT = /^\/[^*]*$/;
const BELOW = /^\/[^*]+\/\*$/;

/**
 * Finds what was given for a path: exact (`/health`), or everything below one (`/assets/*`), of which the longest wins.
 * Throws {@link TenancyConfigurationError} for any other pattern. `option` is the one that the patterns are from.
 */
export function pathPatterns<V>(
  option: string,
  patterns: readonly (readonly [string, V])[],
): (path: string) => V | undefined {
  const wrong = patterns.find(([path]) => !EXACT.test(path) && !BELOW.test(path));
  if (wrong !== undefined) {
    throw new TenancyConfigurationError(
      `tenancy: \`${option}\` has ${JSON.stringify(wrong[0])}. A path is exact, as "/health", or everything below one, as "/assets/*".`,
    );
  }
  const exact = new Map(patterns.filter(([path]) => EXACT.test(path)));
  const below = patterns
    .filter(([path]) => BELOW.test(path))
    .map(([path, value]) => ({ prefix: path.slice(0, -1), value }))
    .sort((one, other) => other.prefix.length - one.prefix.length);
  return (path) => exact.get(path) ?? below.find(({ prefix }) => path.startsWith(prefix))?.value;
}

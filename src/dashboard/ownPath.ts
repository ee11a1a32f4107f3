import type { Context } from 'koa';

export interface OwnPath {
  /** What comes before every path of the dashboard, as a browser sees it. */
  readonly base: string;
  /** The path below it, beginning with a slash. */
  readonly path: string;
}

/**
 * Where a request is below the dashboard; `undefined` where it is outside. What mounted it has taken its part of the path
 * away before, so that links need what the browser sent.
 */
export function ownPath({ path, originalUrl }: Context, prefix: string): OwnPath | undefined {
  if (path !== prefix && !path.startsWith(`${prefix}/`)) {
    return undefined;
  }
  const sent = originalUrl.replace(/[?#].*$/, '');
  const mountedAt = sent.endsWith(path) ? sent.slice(0, sent.length - path.length) : sent.replace(/\/$/, '');
  return { base: `${mountedAt}${prefix}`, path: path.slice(prefix.length) || '/' };
}

/** The segments of a path, decoded; `undefined` where one is not well formed. */
export function segmentsOf(path: string): readonly string[] | undefined {
  try {
    return path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

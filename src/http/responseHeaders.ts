import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** A copy of the response's headers. Lists are copied too: cookies are appended to the one that is there. */
export function copyHeaders(res: ServerResponse): OutgoingHttpHeaders {
  if (res.getHeaderNames().length === 0) {
    return {};
  }
  const entries = Object.entries(res.getHeaders());
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]));
}

/** Puts the headers back that {@link copyHeaders} has found, and drops all others. */
export function resetHeaders(res: ServerResponse, headers: OutgoingHttpHeaders): void {
  for (const name of res.getHeaderNames()) {
    res.removeHeader(name);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) {
      res.setHeader(name, value);
    }
  }
}

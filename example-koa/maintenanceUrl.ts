/** The database in the URL's path, or `postgres`, which every server has. */
export function maintenanceUrl(serverUrl: string): string {
  const url = new URL(serverUrl);
  if (url.pathname.length <= 1) {
    url.pathname = '/postgres';
  }
  return url.href;
}

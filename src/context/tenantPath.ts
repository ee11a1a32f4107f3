import { isAbsolute, join, resolve, sep } from 'node:path';
import { TenancyConfigurationError } from '../errors.ts';
import { requireTenant } from './TenantContext.ts';

/**
 * A path in the folder that the current tenant has below `root`: `tenantPath('/var/uploads', 'logo.png')` is
 * `/var/uploads/acme/logo.png`. Throws `NoTenantError` outside a tenant, and `TenancyConfigurationError` for segments
 * that would lead out of the folder. Symbolic links are not looked at: let nobody but the application make any.
 */
export function tenantPath(root: string, ...segments: readonly string[]): string {
  const { id } = requireTenant();
  const folder = join(resolve(root), id);
  const isUnsafe = segments.some(
    (segment) =>
      typeof segment !== 'string' ||
      segment.includes('\0') ||
      isAbsolute(segment) ||
      // A path of Windows leads out of a folder there only, and the files may go there one day.
      segment.split(/[/\\]/).some((part) => part === '..') ||
      /^[a-z]:/i.test(segment),
  );
  const path = isUnsafe ? undefined : join(folder, ...segments);
  if (path === undefined || (path !== folder && !path.startsWith(folder + sep))) {
    throw new TenancyConfigurationError(
      `Tenant "${id}": ${JSON.stringify(segments)} leads out of the tenant's folder. Give names below it, without "..".`,
      { tenantId: id },
    );
  }
  return path;
}

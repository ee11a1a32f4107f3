import type { TenancyEmitter } from '../events.ts';
import type { OrmTemplate } from './OrmTemplate.ts';

/** Says why tenants do not share their metadata, where they should. */
export function reportSharing(
  { notSharedBecause: reason }: OrmTemplate,
  { shareMetadata, warn }: { readonly shareMetadata: boolean; readonly warn: (message: string) => void },
  events: TenancyEmitter,
): void {
  if (reason === undefined || !shareMetadata) {
    return;
  }
  // Listeners can only be added once `init` has returned.
  setImmediate(() => events.emit('metadata:not-shared', { reason }));
  warn(
    `Tenants cannot share their metadata (${reason}), so that each discovers its own: opening one is slower and ` +
      'takes more memory. Please report this with your entities.',
  );
}

/**
 * How PostgreSQL copies a template: block by block through the log, file by file between two checkpoints, or by the file
 * system's own copying (PostgreSQL 18, `file_copy_method`), which shares blocks where it can.
 */
export type CreationStrategy = 'wal-log' | 'file-copy' | 'clone';

/**
 * From this size on the files are copied: below it two checkpoints cost more than writing the blocks twice. On PostgreSQL
 * 18 with fsync the log took 83 ms beside 101 for 30 MB, 218 beside 184 for 62 MB, and 1,203 beside 302 for 495 MB.
 */
export const FILE_COPY_FROM_BYTES = 64 * 1024 * 1024;

const FIRST_VERSION_THAT_CLONES = 180_000;

/** The strategy for a template of so many bytes on a server of this `server_version_num`. */
export function strategyFor(sizeBytes: number, serverVersion: number): CreationStrategy {
  if (sizeBytes < FILE_COPY_FROM_BYTES) {
    return 'wal-log';
  }
  return serverVersion >= FIRST_VERSION_THAT_CLONES ? 'clone' : 'file-copy';
}

/** The session's settings that a strategy needs. */
export function settingsOf(strategy: CreationStrategy): Readonly<Record<string, string>> {
  return strategy === 'clone' ? { file_copy_method: 'clone' } : {};
}

/** What is left to do where the strategy failed: a file system or an operating system may not be able to clone. */
export function fallbackOf(strategy: CreationStrategy, error: unknown): CreationStrategy | undefined {
  const { code = '' } = error as { readonly code?: string };
  // Classes: feature not supported, invalid parameter value, system error.
  return strategy === 'clone' && /^(0A|22|58)/.test(code) ? 'wal-log' : undefined;
}

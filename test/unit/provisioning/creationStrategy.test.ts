import { describe, expect, it } from '@jest/globals';
import {
  FILE_COPY_FROM_BYTES,
  fallbackOf,
  settingsOf,
  strategyFor,
} from '../../../src/provisioning/creationStrategy.ts';

describe('the strategy by which PostgreSQL copies a template', () => {
  it('is its log below a size, then files, then the file system', () => {
    expect(strategyFor(8_000_000, 180_000)).toBe('wal-log');
    expect(strategyFor(FILE_COPY_FROM_BYTES - 1, 150_000)).toBe('wal-log');
    expect(strategyFor(FILE_COPY_FROM_BYTES, 150_018)).toBe('file-copy');
    expect(strategyFor(FILE_COPY_FROM_BYTES, 180_000)).toBe('clone');
  });

  it('falls back where the server cannot clone, and nowhere else', () => {
    expect(settingsOf('clone')).toEqual({ file_copy_method: 'clone' });
    expect(fallbackOf('clone', { code: '22023' })).toBe('wal-log');
    expect(fallbackOf('clone', { code: '58030' })).toBe('wal-log');
    expect(fallbackOf('clone', { code: '42P04' })).toBeUndefined();
    expect(fallbackOf('wal-log', { code: '22023' })).toBeUndefined();
    expect(fallbackOf('clone', new Error('the connection is gone'))).toBeUndefined();
  });
});

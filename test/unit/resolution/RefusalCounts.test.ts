import { describe, expect, it } from '@jest/globals';
import { TenancyEmitter } from '../../../src/events.ts';
import { RefusalCounts } from '../../../src/resolution/RefusalCounts.ts';

describe('RefusalCounts', () => {
  it('counts refused requests by the code of their error', () => {
    const events = new TenancyEmitter();
    const counts = new RefusalCounts(events);
    for (const code of ['TENANT_NOT_FOUND', 'TENANT_AMBIGUOUS', 'TENANT_NOT_FOUND']) {
      events.emit('resolution:refused', { code, tenantId: undefined });
    }
    expect(counts.stats()).toEqual({ TENANT_NOT_FOUND: 2, TENANT_AMBIGUOUS: 1 });
  });
});

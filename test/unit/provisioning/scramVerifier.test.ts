import { describe, expect, it } from '@jest/globals';
import { scramVerifier } from '../../../src/provisioning/roles/scramVerifier.ts';

describe('scramVerifier', () => {
  it('is what RFC 7677 gives for its example', async () => {
    // The exchange of section 3: password "pencil", 4096 iterations; its server signature is made with this server key.
    const verifier = await scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
    expect(verifier).toBe(
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    );
  });

  it('has another salt each time, and nothing of the password', async () => {
    const [one, other] = [await scramVerifier('secret'), await scramVerifier('secret')];
    expect(one).not.toBe(other);
    expect(one).not.toContain('secret');
  });
});

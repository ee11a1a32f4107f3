import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { EncryptedSecretStore, SecretUnreadableError, TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { LifeWorld } from '../../support/provisioning/LifeWorld.ts';

const keyOf = (fill: number): string => Buffer.alloc(32, fill).toString('base64');

async function storesOf(world: LifeWorld) {
  const manager = await world.manager();
  const sql = <R extends object>(text: string, parameters: readonly unknown[]): Promise<R[]> =>
    manager.central
      .fork()
      .getConnection()
      .execute(text, [...parameters], 'all');
  return (current: string, keys: Readonly<Record<string, string | Uint8Array>>) =>
    new EncryptedSecretStore(sql, { current, keys });
}

describe('EncryptedSecretStore', () => {
  it('keeps secrets so that nobody reads them without the key', async () => {
    await using world = await LifeWorld.create();
    const store = (await storesOf(world))('k1', { k1: keyOf(1) });
    expect(await store.read('acme')).toBeUndefined();
    await store.write('acme', 'söme secret');
    expect(await store.read('acme')).toBe('söme secret');
    await store.write('acme', 'another one');
    expect(await store.read('acme')).toBe('another one');
    const rows = await world.query<{ row: string }>("select encode(secret, 'escape') as row from tenancy_secrets");
    expect(rows[0]?.row).not.toContain('another');
    await store.delete('acme');
    await store.delete('acme');
    expect(await store.read('acme')).toBeUndefined();
  });

  it('never encrypts twice alike', async () => {
    await using world = await LifeWorld.create();
    const store = (await storesOf(world))('k1', { k1: Buffer.alloc(32, 1) });
    const stored = async () =>
      (await world.query<{ row: string }>("select encode(nonce || secret, 'hex') as row from tenancy_secrets"))[0]?.row;
    await store.write('acme', 'secret');
    const first = await stored();
    await store.write('acme', 'secret');
    expect(await stored()).not.toBe(first);
  });

  it('does not read a row that was copied to another tenant, or changed', async () => {
    await using world = await LifeWorld.create();
    const store = (await storesOf(world))('k1', { k1: keyOf(1) });
    await store.write('acme', 'secret');
    await world.query("insert into tenancy_secrets select 'globex', key_id, nonce, secret from tenancy_secrets");
    await expect(store.read('globex')).rejects.toThrow(SecretUnreadableError);
    await world.query(
      "update tenancy_secrets set secret = set_byte(secret, 0, get_byte(secret, 0) # 1) where name = 'acme'",
    );
    const failure = store.read('acme');
    await expect(failure).rejects.toThrow('its row was changed');
    await expect(failure.catch((error: unknown) => inspect(error))).resolves.not.toContain(keyOf(1));
  });

  it('reads by every key that there is, writes by the current one, and brings all rows to it', async () => {
    await using world = await LifeWorld.create();
    const storeOf = await storesOf(world);
    const old = storeOf('k1', { k1: keyOf(1) });
    for (let n = 0; n < 120; n += 1) {
      await old.write(`t${n}`, `secret ${n}`);
    }
    const both = storeOf('k2', { k1: keyOf(1), k2: keyOf(2) });
    expect(await both.read('t7')).toBe('secret 7');
    await both.write('t7', 'new secret');
    expect(await both.countByKey()).toEqual({ k1: 119, k2: 1 });
    expect(await both.reencrypt()).toBe(119);
    expect(await both.reencrypt()).toBe(0);
    const fresh = storeOf('k2', { k2: keyOf(2) });
    expect(await fresh.read('t119')).toBe('secret 119');
    expect(await fresh.read('t7')).toBe('new secret');
    await expect(old.read('t7')).rejects.toThrow('the key "k2", which is none of');
  });

  it('says which key is the wrong one', async () => {
    await using world = await LifeWorld.create();
    const storeOf = await storesOf(world);
    await storeOf('k1', { k1: keyOf(1) }).write('acme', 'secret');
    await expect(storeOf('k1', { k1: keyOf(9) }).read('acme')).rejects.toThrow('the key "k1" is not the one');
    expect(() => storeOf('k1', { k1: 'dG9vIHNob3J0' })).toThrow('has 9 bytes, and AES-256 needs 32');
    expect(() => storeOf('k2', { k1: keyOf(1) })).toThrow(TenancyConfigurationError);
    expect(() => storeOf('K 1', { 'K 1': keyOf(1) })).toThrow('is no id of a key');
  });

  it('shows nothing of its keys', async () => {
    await using world = await LifeWorld.create();
    const store = (await storesOf(world))('k1', { k1: keyOf(1) });
    expect(inspect(store, { depth: 9, showHidden: true })).not.toMatch(/AQEB|01 01 01/);
  });
});

import { describe, expect, it, jest } from '@jest/globals';
import {
  TenancyConfigurationError,
  TenantConflictError,
  TenantDomains,
  type TenantDomainsOptions,
} from 'mikro-orm-multitenancy';
import { FakeDomainStore } from '../../support/domains/FakeDomainStore.ts';

const SECRET = 'a secret of at least thirty-two characters';
const NAME = '_tenancy-challenge.acme.com';

function start(options: Partial<TenantDomainsOptions> = {}) {
  const store = new FakeDomainStore(['acme', 'globex']);
  const dns = new Map<string, string[][]>();
  const asked: string[] = [];
  const cancel = jest.fn();
  const resolveTxt = async (name: string) => {
    asked.push(name);
    const records = dns.get(name);
    if (records === undefined) {
      throw Object.assign(new Error(`queryTxt ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
    }
    return records;
  };
  const domains = new TenantDomains({ store, secrets: [SECRET], resolver: () => ({ resolveTxt, cancel }), ...options });
  return { store, dns, asked, cancel, domains };
}

describe('addDomain', () => {
  it('notes a domain that leads nowhere yet, and says what record it needs', async () => {
    const { store, domains } = start();
    const challenge = await domains.addDomain('acme', ' ACME.com. ');
    expect(challenge).toEqual({
      domain: 'acme.com',
      name: NAME,
      type: 'TXT',
      value: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(store.domains()).toEqual({ 'acme.com': 'acme, not verified' });
    expect(await domains.addDomain('acme', 'acme.com')).toEqual(challenge);
    expect(domains.challengeOf('acme', 'acme.com')).toEqual(challenge);
  });

  it('gives each tenant and each domain another value, and the same one in every process', async () => {
    const { domains } = start();
    const values = [
      domains.challengeOf('acme', 'acme.com'),
      domains.challengeOf('globex', 'acme.com'),
      domains.challengeOf('acme', 'acme.net'),
    ].map(({ value }) => value);
    expect(new Set(values).size).toBe(3);
    expect(start().domains.challengeOf('acme', 'acme.com').value).toBe(values[0]);
  });

  it('writes international names as DNS has them', () => {
    expect(start().domains.challengeOf('acme', 'Bücher.example').name).toBe('_tenancy-challenge.xn--bcher-kva.example');
  });

  it('lets nobody keep a domain from others by asking for it first', async () => {
    const { store, domains } = start();
    await domains.addDomain('globex', 'acme.com');
    await domains.addDomain('acme', 'acme.com');
    expect(store.domains()).toEqual({ 'acme.com': 'globex, not verified' });
  });

  it("refuses a domain that is another tenant's already", async () => {
    const { store, domains } = start();
    await store.addDomain('globex', 'acme.com', { isVerified: true });
    await expect(domains.addDomain('acme', 'acme.com')).rejects.toThrow(TenantConflictError);
  });

  it.each(['', 'acme .com', 'http://acme.com', 'acme.com/x', '-acme.com', 'a@acme.com', 'acme..com'])(
    'refuses %j, which is no domain',
    async (domain) => {
      await expect(start().domains.addDomain('acme', domain)).rejects.toThrow(TenancyConfigurationError);
    },
  );
});

describe('verifyDomain', () => {
  it('lets the domain lead to the tenant whose record it has', async () => {
    const { store, dns, asked, cancel, domains } = start();
    const { value } = await domains.addDomain('acme', 'acme.com');
    dns.set(NAME, [['v=spf1 -all'], [value.slice(0, 20), value.slice(20)]]);
    const verification = await domains.verifyDomain('acme', 'ACME.com');
    expect(verification).toMatchObject({ is: 'verified', tenant: { id: 'acme', domains: ['acme.com'] } });
    expect(store.domains()).toEqual({ 'acme.com': 'acme, verified' });
    expect(asked).toEqual([NAME]);
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it.each<[string, string[][] | undefined]>([
    ['no record', undefined],
    ['no values', []],
    ['another value', [['something else']]],
    ['half of the value', [['half']]],
  ])('gives what is missing, and changes nothing, with %s', async (_case, records) => {
    const { store, dns, domains } = start();
    const challenge = await domains.addDomain('acme', 'acme.com');
    if (records !== undefined) {
      dns.set(NAME, records[0]?.[0] === 'half' ? [[challenge.value.slice(0, 20)]] : records);
    }
    expect(await domains.verifyDomain('acme', 'acme.com')).toMatchObject({ is: 'missing', challenge });
    expect(store.domains()).toEqual({ 'acme.com': 'acme, not verified' });
  });

  it("does not take another tenant's record, nor one of another domain", async () => {
    const { store, dns, domains } = start();
    await domains.addDomain('acme', 'acme.com');
    dns.set(NAME, [
      [domains.challengeOf('globex', 'acme.com').value],
      [domains.challengeOf('acme', 'acme.net').value],
      [start({ secrets: ['another secret, which is as long as that'] }).domains.challengeOf('acme', 'acme.com').value],
    ]);
    expect(await domains.verifyDomain('acme', 'acme.com')).toMatchObject({ is: 'missing' });
    expect(store.domains()).toEqual({ 'acme.com': 'acme, not verified' });
  });

  it('gives the domain to who has shown it, whoever asked first', async () => {
    const { store, dns, domains } = start();
    await domains.addDomain('globex', 'acme.com');
    dns.set(NAME, [[(await domains.addDomain('acme', 'acme.com')).value]]);
    expect(await domains.verifyDomain('acme', 'acme.com')).toMatchObject({ is: 'verified' });
    expect(store.domains()).toEqual({ 'acme.com': 'acme, verified' });
    expect(await domains.verifyDomain('globex', 'acme.com')).toMatchObject({ is: 'missing' });
  });

  it('does not take a domain from a tenant that has shown it', async () => {
    const { store, dns, domains } = start();
    await store.addDomain('globex', 'acme.com', { isVerified: true });
    dns.set(NAME, [[domains.challengeOf('acme', 'acme.com').value]]);
    await expect(domains.verifyDomain('acme', 'acme.com')).rejects.toThrow(TenantConflictError);
    expect(store.domains()).toEqual({ 'acme.com': 'globex, verified' });
  });

  it('takes the records of an older secret', async () => {
    const { dns, domains } = start({ secrets: ['a newer secret, which is as long as that', SECRET] });
    dns.set(NAME, [[start().domains.challengeOf('acme', 'acme.com').value]]);
    expect(await domains.verifyDomain('acme', 'acme.com')).toMatchObject({ is: 'verified' });
  });

  it.each(['ESERVFAIL', 'ETIMEOUT', 'ECONNREFUSED', undefined])(
    'says that the DNS gave no answer with %p, and changes nothing',
    async (code) => {
      const cause = Object.assign(new Error('queryTxt'), { code });
      const { store, domains } = start({ resolver: () => ({ resolveTxt: () => Promise.reject(cause) }) });
      const challenge = await domains.addDomain('acme', 'acme.com');
      expect(await domains.verifyDomain('acme', 'acme.com')).toEqual({ is: 'unanswered', challenge, cause });
      expect(store.domains()).toEqual({ 'acme.com': 'acme, not verified' });
    },
  );

  it('does not wait longer than the deadline, and ends the question', async () => {
    const cancel = jest.fn();
    const resolver = () => ({ resolveTxt: () => new Promise<never>(() => {}), cancel });
    // Keeps the process busy; the deadline alone would not.
    const busy = setInterval(() => {}, 1_000);
    const { domains } = start({ resolver, timeoutMs: 5 });
    expect(await domains.verifyDomain('acme', 'acme.com')).toMatchObject({
      is: 'unanswered',
      cause: expect.objectContaining({ message: 'No DNS server answered within 5 ms.' }),
    });
    clearInterval(busy);
    expect(cancel).toHaveBeenCalledTimes(1);
  });
});

describe('TenantDomains', () => {
  it.each<[string, Partial<TenantDomainsOptions>]>([
    ['no secret', { secrets: [] }],
    ['a short secret', { secrets: ['short'] }],
    ['no deadline', { timeoutMs: 0 }],
    ['half a millisecond', { timeoutMs: 0.5 }],
  ])('refuses %s', (_case, options) => {
    expect(() => start(options)).toThrow(TenancyConfigurationError);
  });
});

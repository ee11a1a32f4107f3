import { describe, expect, it } from '@jest/globals';
import { type SessionOption, TenancyConfigurationError, TenantReadOnlyError } from 'mikro-orm-multitenancy';
import { assertReadsOnly } from '../../../src/connections/assertReadsOnly.ts';
import { applicationNameOf, sessionsOf } from '../../../src/connections/SessionSettings.ts';
import { TransactionSession } from '../../../src/connections/TransactionSession.ts';

const acme = { id: 'acme', database: 'acme' };
const readonly = { ...acme, status: 'readonly' as const };
const parametersOf = (option: SessionOption | undefined, tenant = acme) =>
  sessionsOf('eu', option)(tenant).parameters.map(({ name, value }) => `${name}=${value}`);

describe('the settings of a session', () => {
  it('are none unless they are asked for', () => {
    expect(parametersOf(undefined)).toEqual([]);
    expect(parametersOf({})).toEqual([]);
  });

  it('are what PostgreSQL calls them', () => {
    const all = { statementTimeoutMs: 5_000, lockTimeoutMs: 0, idleInTransactionTimeoutMs: 60_000, readOnly: true };
    expect(parametersOf(all)).toEqual([
      'statement_timeout=5000',
      'lock_timeout=0',
      'idle_in_transaction_session_timeout=60000',
      'default_transaction_read_only=on',
    ]);
  });

  it('are read-only for a tenant of that status, whatever is asked for', () => {
    expect(parametersOf({ readOnly: false }, readonly)).toEqual(['default_transaction_read_only=on']);
    expect(parametersOf(() => undefined, readonly)).toEqual(['default_transaction_read_only=on']);
  });

  it('may differ by tenant, and are told apart by their key', () => {
    const sessions = sessionsOf('eu', ({ id }) => ({ statementTimeoutMs: id.length }));
    expect(sessions(acme).key).toBe('statement_timeout=4');
    expect(sessions({ ...acme, id: 'globex' }).key).toBe('statement_timeout=6');
    expect(sessions(readonly).key).not.toBe(sessions(acme).key);
  });

  it.each([
    ['half a millisecond', { statementTimeoutMs: 0.5 }, /statementTimeoutMs/],
    ['time below zero', { lockTimeoutMs: -1 }, /lockTimeoutMs/],
    ['text', { idleInTransactionTimeoutMs: '5; drop table x' }, /idleInTransactionTimeoutMs/],
    ['something between yes and no', { readOnly: 'yes' }, /readOnly/],
    ['what nobody knows', { statement_timeout: 5 }, /statement_timeout/],
  ])(
    'are refused with %s, where they are the same for all and where they are one tenant’s',
    (_what, settings, named) => {
      const given = settings as SessionOption;
      expect(() => sessionsOf('eu', given)).toThrow(TenancyConfigurationError);
      expect(() => sessionsOf('eu', given)).toThrow(named);
      expect(() => sessionsOf('eu', () => given as never)(acme)).toThrow(/Server "eu".*tenant "acme"/);
    },
  );

  it('carry the tenant in the name of the session, of which PostgreSQL takes 63 bytes', () => {
    expect(applicationNameOf('acme')).toBe('tenant:acme');
    const [long, other] = ['x'.repeat(62), `${'x'.repeat(61)}y`].map(applicationNameOf);
    expect(long).toHaveLength(63);
    expect(long).toMatch(/^tenant:x+~[0-9a-f]{8}$/);
    expect(long).not.toBe(other);
    expect(applicationNameOf('y'.repeat(56))).toBe(`tenant:${'y'.repeat(56)}`);
  });
});

describe('the settings of each transaction', () => {
  const session = new TransactionSession(sessionsOf('eu', { statementTimeoutMs: 7, readOnly: true })(acme));
  const SET = 'set local statement_timeout = 7;set local transaction_read_only = on;';

  async function sent(text: string, parameters: readonly unknown[] = [], failing = '-'): Promise<string[]> {
    const messages: string[] = [];
    const send = async (message: string) => {
      messages.push(message);
      if (message === failing) {
        throw new Error('it failed');
      }
      return message.split(';').map((part) => ({ command: part })) as never;
    };
    await session.run(send, text, parameters).catch(() => {});
    return messages;
  }

  it.each([
    ['a statement of its own', 'select 1', [], [`${SET}select 1`]],
    ['a beginning', 'begin', [], [`begin;${SET}`]],
    ['a beginning with more', 'begin; select 1; select 2', [], [`begin;${SET} select 1; select 2`]],
    [
      'a beginning of a kind',
      ' start transaction isolation level serializable',
      [],
      [` start transaction isolation level serializable;${SET}`],
    ],
    ['a statement with parameters', 'select $1', [1], [`begin;${SET}`, 'select $1', 'commit']],
  ])('come with %s', async (_what, text, parameters, messages) => {
    expect(await sent(text, parameters)).toEqual(messages);
  });

  it('are over with a statement that failed', async () => {
    expect(await sent('select $1', [1], 'select $1')).toEqual([`begin;${SET}`, 'select $1', 'rollback']);
  });

  it('leave out what PostgreSQL runs alone, unless the tenant may only read', async () => {
    const writing = new TransactionSession(sessionsOf('eu', { statementTimeoutMs: 7 })(acme));
    const messages: string[] = [];
    const send = async (message: string) => {
      messages.push(message);
      return { rows: [] } as never;
    };
    for (const text of [
      'vacuum house',
      'CREATE UNIQUE INDEX CONCURRENTLY x on house (id)',
      'create index x on house (id)',
    ]) {
      await writing.run(send, text, []);
    }
    expect(messages.map((text) => text.startsWith('set local'))).toEqual([false, false, true]);
    expect(await sent('drop index concurrently x')).toEqual([`${SET}drop index concurrently x`]);
  });
});

describe('a statement of a read-only tenant', () => {
  it.each([
    'begin read write',
    'start transaction isolation level serializable, READ  WRITE',
    'set transaction read write',
    'set session characteristics as transaction read write',
    'set default_transaction_read_only = off',
    'SET LOCAL transaction_read_only TO false',
    "select set_config('default_transaction_read_only', 'off', false)",
    "do $$ begin perform set_config('transaction_read_only', 'off', true); end $$",
  ])('is refused when it is %s', (text) => {
    expect(() => assertReadsOnly('acme', text, false)).toThrow(TenantReadOnlyError);
  });

  it.each([
    "select * from house where address like '%read write%'",
    "select 'it''s read write; commit; insert'",
    'show transaction_read_only',
    "select current_setting('transaction_read_only')",
    'begin; select 1; commit',
    'select case when true then 1 end; select 2',
    'begin; savepoint a; rollback to a; select 1',
  ])('is let through when it is %s', (text) => {
    expect(() => assertReadsOnly('acme', text, true)).not.toThrow();
  });

  it('may not leave the transaction that a pooler sees it in, and go on', () => {
    expect(() => assertReadsOnly('acme', 'commit; insert into house values (1)', true)).toThrow(TenantReadOnlyError);
    expect(() => assertReadsOnly('acme', 'commit; select 1', false)).not.toThrow();
  });
});

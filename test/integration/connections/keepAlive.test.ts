import { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';

describe('the socket of a connection', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme']);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  it('asks after seconds of silence whether its host is still there, not after the two hours of the system', async () => {
    const setKeepAlive = jest.spyOn(Socket.prototype, 'setKeepAlive');
    const manager = await tenants.manager();
    await manager.run('acme', (em) => em.count(House));
    expect(setKeepAlive.mock.calls).toEqual([[true, 10_000]]);
    setKeepAlive.mockRestore();
    await manager.close();
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, dropDatabase, serverUrl, uniqueName } from '../support/databases.ts';
import { breachesOf, peersAt } from './Clause.ts';
import { clauses } from './clauses.ts';

const database = uniqueName('contract');
const peers = () => peersAt(`${serverUrl().replace(/\/$/, '')}/${database}`);

beforeAll(() => createDatabase(database));
afterAll(() => dropDatabase(database));

describe('what we lean on without having been promised it', () => {
  for (const clause of clauses) {
    it(`${clause.of}: ${clause.holds}`, async () => {
      expect(await breachesOf([clause], peers())).toEqual([]);
    });
  }
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import pg from 'pg';
import { serverUrl } from '../support/databases.ts';
import { schema, seed } from '../support/isolation/entities.ts';
import { Interleaving, type Operation, type Row, type Rows, type Session } from '../support/isolation/Interleaving.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

/** Set `ISOLATION_RUNS` for more, and `ISOLATION_SEED` to repeat a failure. */
const RUNS = Number(process.env['ISOLATION_RUNS'] ?? 1_000);
const SEED = process.env['ISOLATION_SEED'];
const HOUSES = 40;
const ids = ['acme', 'globex', 'initech', 'umbrella', 'hooli'];

const tenant = fc.nat({ max: ids.length - 1 });
const through = fc.constantFrom('fork', 'manager.em');
const { sessions } = fc.letrec<{ operation: Operation; session: Session; sessions: Session[] }>((tie) => ({
  operation: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    {
      weight: 16,
      arbitrary: fc.record({
        through,
        is: fc.constantFrom('read', 'update', 'nativeUpdate', 'move', 'insert', 'remove', 'where'),
      }),
    },
    { weight: 4, arbitrary: fc.record({ through, is: fc.constant('pause'), turns: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 2, arbitrary: fc.record({ through, is: fc.constant('foreign'), tenant }) },
    // Each makes the server open its connections again, which takes longer than all the rest.
    { weight: 1, arbitrary: fc.record({ through, is: fc.constant('evict'), tenant }) },
    {
      weight: 4,
      arbitrary: fc.record({
        through,
        is: fc.constant('transaction'),
        commits: fc.boolean(),
        operations: fc.array(tie('operation'), { maxLength: 2 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        through,
        is: fc.constant('nested'),
        fails: fc.boolean(),
        sessions: fc.array(tie('session'), { minLength: 1, maxLength: 2 }),
      }),
    },
  ) as fc.Arbitrary<Operation>,
  session: fc.record({ tenant, operations: fc.array(tie('operation'), { minLength: 1, maxLength: 3 }) }),
  sessions: fc.array(tie('session'), { minLength: 2, maxLength: 4 }),
}));

const houses = `insert into house (id, address, owner_id) select n, '$id house ' || n, 1 from generate_series(1, ${HOUSES}) n`;

describe(`${ids.length} tenants with equal primary keys`, () => {
  const clients = new Map<string, pg.Client>();
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create({
      ids,
      statements: (id) => [...schema, ...seed(id), 'delete from room', 'delete from deed'],
      orm: { debug: false },
      manager: { server: { url: serverUrl(), maxConnections: 90, maxConnectionsPerTenant: 40 } },
    });
    for (const id of ids) {
      const client = new pg.Client({ connectionString: `${serverUrl()}/${world.databases.of(id)}` });
      await client.connect();
      clients.set(id, client);
    }
  });
  afterAll(async () => {
    await Promise.all([...clients.values()].map((client) => client.end()));
    await world[Symbol.asyncDispose]();
  });

  const inEach = <R>(work: (client: pg.Client, id: string) => Promise<R>): Promise<R[]> =>
    Promise.all([...clients].map(([id, client]) => work(client, id)));

  const rowsAtFirst = (id: string): Rows => {
    const row = (n: number): [number, Row] => [n, { address: `${id} house ${n}`, ownerId: 1 }];
    return new Map(Array.from({ length: HOUSES }, (_, n) => row(n + 1)));
  };

  it(
    `keep their rows, identity maps and databases apart in ${RUNS} interleavings`,
    async () => {
      let checks = 0;
      let changed: ReadonlySet<string> = new Set(ids);
      const property = fc.asyncProperty(sessions, async (played) => {
        await inEach(async (client, id) => {
          if (changed.has(id)) {
            await client.query(`delete from house; ${houses.replace('$id', id)}`);
          }
        });
        // Unless this one succeeds, nobody knows what it has changed.
        changed = new Set(ids);
        const interleaving = new Interleaving(world.manager, ids, rowsAtFirst);
        await interleaving.play(played);
        checks += interleaving.checks;
        await inEach(async (client, id) => {
          const { rows } = await client.query<{ id: number; address: string; owner_id: number }>(
            'select id, address, owner_id from house order by id',
          );
          const actual: Rows = new Map(rows.map((row) => [row.id, { address: row.address, ownerId: row.owner_id }]));
          expect({ id, rows: actual }).toEqual({ id, rows: interleaving.expected.get(id) });
        });
        world.assertNothingHeld();
        changed = interleaving.changed;
      });
      await fc.assert(property, { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) });
      expect(checks).toBeGreaterThan(RUNS);
    },
    60_000 + RUNS * 200,
  );
});

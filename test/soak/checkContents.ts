import pMap from 'p-map';
import type { Changes } from './Changes.ts';
import { HOUSES, ROOMS_PER_HOUSE } from './entities.ts';
import type { SoakWorld } from './SoakWorld.ts';
import type { Tally } from './Tally.ts';

interface Contents {
  readonly owners: string;
  readonly rows: number;
  readonly sum: number;
  readonly changes: number;
}

const CONTENTS = `select (select string_agg(distinct tenant, ',') from (
      select tenant from house union all select tenant from room union all select tenant from tally) t) as owners,
    (select count(*) from house)::int + (select count(*) from room)::int as rows,
    (select sum(balance) from house)::int as sum,
    (select changes from tally) as changes`;

const AT_ONCE = 8;

/** Looks into each tenant's database, around the library: only its own rows, nothing lost, nothing done twice. */
export async function checkContents(world: SoakWorld, changes: Changes, tally: Tally): Promise<void> {
  await pMap(
    world.ids,
    async (id) => {
      const [found] = await world.query<Contents & Record<string, unknown>>(id, CONTENTS);
      const { owners, rows, sum, changes: count } = found as Contents;
      if (owners !== id || rows !== HOUSES * (1 + ROOMS_PER_HOUSE) || sum !== 0 || !changes.isPossible(id, count)) {
        tally.complain('mismatch', `the database of ${id} has ${JSON.stringify(found)}; changes: ${changes.of(id)}`);
      }
    },
    { concurrency: AT_ONCE },
  );
}

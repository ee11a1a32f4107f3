import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { CentralDatabase } from '../../central/CentralDatabase.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import type {
  DoneStep,
  Operation,
  OperationData,
  OperationFailure,
  OperationKind,
  OperationState,
} from './Operation.ts';
import type { Advance, FirstStep, NewOperation, OperationFilter, OperationLedger } from './OperationLedger.ts';
import { OperationLostError } from './operationErrors.ts';

interface OperationRow {
  readonly id: string;
  readonly kind: OperationKind;
  readonly tenant_id: string;
  readonly state: OperationState;
  readonly is_undoing: boolean;
  readonly request: OperationData;
  readonly data: OperationData;
  readonly step: string | null;
  readonly done: readonly DoneStep[];
  readonly error: OperationFailure | null;
  readonly attempt: number;
  readonly worker: string | null;
  readonly lease_until: string | null;
  readonly started_at: string;
  readonly finished_at: string | null;
}

const isoTime = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`;

const COLUMNS = `id::text, kind, tenant_id, state, is_undoing, request, data, step, done, error, attempt, worker,
  ${isoTime('lease_until')}, ${isoTime('started_at')}, ${isoTime('finished_at')}`;

/** Operations that begin without a tenant. */
const MAKES_TENANT: ReadonlySet<OperationKind> = new Set(['provision', 'clone', 'import']);

const OPEN = "state in ('running', 'failed')";
const LEASE = "clock_timestamp() + ? * interval '1 millisecond'";

const BEGIN = `
  insert into tenancy_operations (kind, tenant_id, request, data, done, step, worker, lease_until)
  values (?, ?, ?::jsonb, ?::jsonb, ?::jsonb, ?, ?, ${LEASE})
  on conflict (tenant_id) where ${OPEN} do nothing returning ${COLUMNS}`;

const CLAIM = `
  update tenancy_operations set state = 'running', worker = ?, lease_until = ${LEASE}, attempt = attempt + 1
  where id = ?::bigint and attempt = ? and (state = 'failed' or (state = 'running' and lease_until < clock_timestamp()))
  returning ${COLUMNS}`;

const ADVANCE = `
  update tenancy_operations set
    done = (select coalesce(jsonb_agg(one order by place), '[]') from jsonb_array_elements(done) with ordinality as list (one, place)
      where place <= coalesce(?::int, jsonb_array_length(done))) || ?::jsonb,
    data = data || ?::jsonb, step = ?, state = ?, is_undoing = ?, error = ?::jsonb,
    lease_until = case when ? then ${LEASE} end, worker = case when ? then worker end,
    finished_at = case when ? then null else clock_timestamp() end
  where id = ?::bigint and worker = ? and attempt = ? and state = 'running' returning ${COLUMNS}`;

/** {@link OperationLedger} over the central database. */
export class DatabaseOperationLedger implements OperationLedger {
  readonly #central: CentralDatabase<Tenant>;
  readonly #leaseMs: number;
  readonly #worker = `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;

  constructor(central: CentralDatabase<Tenant>, leaseMs: number) {
    this.#central = central;
    this.#leaseMs = leaseMs;
  }

  async begin(operation: NewOperation, { step, next, inCentral }: FirstStep): Promise<Operation | undefined> {
    const { kind, tenantId, request, data } = operation;
    // Of a tenant that nobody knows yet this process hears when it is whole.
    return this.#central.change(MAKES_TENANT.has(kind) ? [] : [tenantId], async (em) => {
      const done = [{ step, tookMs: 0 }];
      const values = [kind, tenantId, ...[request, data, done].map((value) => JSON.stringify(value))];
      const rest = [next ?? null, this.#worker, this.#leaseMs];
      const [row] = await this.#central.sql<OperationRow>(BEGIN, [...values, ...rest], em);
      if (row === undefined) {
        return undefined;
      }
      const patch = (await inCentral(em)) ?? {};
      const isOver = next === undefined;
      return Object.keys(patch).length === 0 && !isOver
        ? operationOf(row)
        : this.#advance(em, operationOf(row), { data: patch, ...(isOver ? { state: 'done' } : {}) });
    });
  }

  async open(tenantId: string): Promise<Operation | undefined> {
    const [operation] = await this.list({ tenantId, open: true, limit: 1 });
    return operation;
  }

  async claim({ id, attempt }: Operation): Promise<Operation | undefined> {
    const [row] = await this.#central.sql<OperationRow>(CLAIM, [this.#worker, this.#leaseMs, id, attempt]);
    return row && operationOf(row);
  }

  async advance(operation: Operation, change: Advance): Promise<Operation> {
    const { inCentral } = change;
    if (inCentral === undefined) {
      return this.#advance(undefined, operation, change);
    }
    return this.#central.change([operation.tenantId], async (em) => {
      const data = { ...change.data, ...(await inCentral(em)) };
      return this.#advance(em, operation, { ...change, data });
    });
  }

  async renew({ id, attempt }: Operation): Promise<void> {
    await this.#central.sql(
      `update tenancy_operations set lease_until = ${LEASE}
       where id = ?::bigint and worker = ? and attempt = ? and state = 'running'`,
      [this.#leaseMs, id, this.#worker, attempt],
    );
  }

  async list({ tenantId, open = false, limit = 50 }: OperationFilter): Promise<Operation[]> {
    const rows = await this.#central.sql<OperationRow>(
      `select ${COLUMNS} from tenancy_operations
       where (?::text is null or tenant_id = ?) and (not ?::boolean or ${OPEN}) order by id desc limit ?`,
      [tenantId ?? null, tenantId ?? null, open, limit],
    );
    return rows.map(operationOf);
  }

  async due(): Promise<Operation[]> {
    const rows = await this.#central.sql<OperationRow>(
      `select ${COLUMNS} from tenancy_operations where id in (
         select max(id) from tenancy_operations where kind = 'archive' and state = 'done'
           and tenant_id in (select id from tenancy_tenants where status = 'archived') group by tenant_id
       ) and (data ->> 'dropAfter')::timestamptz <= clock_timestamp() order by id`,
      [],
    );
    return rows.map(operationOf);
  }

  async #advance(em: EntityManager | undefined, operation: Operation, change: Advance): Promise<Operation> {
    const { done = [], keepDone, data = {} } = change;
    const { state = 'running', isUndoing = operation.isUndoing, error = operation.error } = change;
    const step = 'step' in change ? change.step : operation.step;
    const isOpen = state === 'running';
    const [row] = await this.#central.sql<OperationRow>(
      ADVANCE,
      [
        ...[keepDone ?? null, JSON.stringify(done), JSON.stringify(data), step ?? null, state],
        ...[isUndoing, error === undefined ? null : JSON.stringify(error), isOpen, this.#leaseMs, isOpen, isOpen],
        ...[operation.id, this.#worker, operation.attempt],
      ],
      em,
    );
    if (row === undefined) {
      throw new OperationLostError(operation.tenantId);
    }
    return operationOf(row);
  }
}

function operationOf(row: OperationRow): Operation {
  const { id, kind, state, request, data, done, attempt } = row;
  return {
    ...{ id, kind, state, request, data, done, attempt },
    tenantId: row.tenant_id,
    isUndoing: row.is_undoing,
    step: row.step ?? undefined,
    error: row.error ?? undefined,
    worker: row.worker ?? undefined,
    leaseUntil: row.lease_until ?? undefined,
    startedAt: row.started_at,
    finishedAt: row.finished_at ?? undefined,
  };
}

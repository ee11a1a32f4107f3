import { type EntityManager, type EntityName, LockMode } from '@mikro-orm/core';
import { TenancyConfigurationError, TenantChangedError, TenantNotFoundError } from '../errors.ts';
import { assertTenant, type Tenant, type TenantStatus } from '../tenant/Tenant.ts';
import { assertTenantId } from '../tenant/tenantId.ts';
import { conflictOf } from './conflictOf.ts';
import { type CatalogDatabase, tenantsOf } from './DatabaseCatalog.ts';
import { TENANTS_TABLE, TenantDomain, type TenantEntity } from './TenantEntity.ts';
import type { TenantRules } from './TenantRules.ts';
import type { NewDomainOptions, NewTenant, TenantChange, TenantStore, WriteOptions } from './TenantStore.ts';

export interface TenantStoreParts {
  readonly database: CatalogDatabase;
  readonly rules: TenantRules;
  /** Hears of a committed change before the caller does. */
  readonly changed: (ids: readonly string[]) => Promise<void>;
}

/** Columns that `update` never sets. */
const KEPT = ['id', 'status', 'revision', 'createdAt', 'updatedAt', 'domains', 'domainDetails'];

/** {@link TenantStore} over the tables of the central database. */
export class DatabaseTenantStore<T extends Tenant = Tenant> implements TenantStore<T> {
  readonly #parts: TenantStoreParts;

  constructor(parts: TenantStoreParts) {
    this.#parts = parts;
  }

  async create(tenant: NewTenant<T>, options: Pick<WriteOptions, 'em'> = {}): Promise<T> {
    const { id, insert } = this.#newRow(tenant);
    return this.#write(id, options, insert);
  }

  /** The same in the caller's transaction, which is over where it fails, and without giving the tenant. */
  async insert(tenant: NewTenant<T>, em: EntityManager): Promise<void> {
    const { id, insert } = this.#newRow(tenant);
    try {
      await insert(em);
      await em.flush();
    } catch (error) {
      throw conflictOf(error, id) ?? error;
    }
  }

  #newRow(tenant: NewTenant<T>): { readonly id: string; readonly insert: (em: EntityManager) => Promise<void> } {
    const { rules, database } = this.#parts;
    const { domains = [], ...columns } = tenant as NewTenant<Tenant>;
    const { id } = columns;
    rules.assertNewId(id);
    const checked = domains.map((domain) => rules.checkedDomain(domain));
    const row = {
      ...withoutUndefined(columns),
      id,
      database: columns.database ?? id,
      metadata: columns.metadata ?? {},
    };
    assertTenant(row);
    rules.assertDatabase(row.database, id);
    const insert = async (em: EntityManager): Promise<void> => {
      em.create(database.tenant as EntityName<TenantEntity>, row as never, { persist: true });
      await em.flush();
      for (const [index, domain] of checked.entries()) {
        const verifiedAt = new Date();
        em.create(TenantDomain, { domain, tenantId: id, isPrimary: index === 0, verifiedAt } as never, {
          persist: true,
        });
      }
    };
    return { id, insert };
  }

  async update(id: string, change: TenantChange<T>, options: WriteOptions = {}): Promise<T> {
    const kept = KEPT.find((name) => name in change);
    if (kept !== undefined) {
      throw new TenancyConfigurationError(`\`update\` does not change \`${kept}\`; there is a method for it.`, {
        tenantId: id,
      });
    }
    if (change.database !== undefined) {
      this.#parts.rules.assertDatabase(change.database, id);
    }
    return this.#change(id, options, (_em, row) => void Object.assign(row, withoutUndefined(change)));
  }

  async setStatus(id: string, status: TenantStatus, options: WriteOptions = {}): Promise<T> {
    assertTenant({ id, database: id, status });
    return this.#change(id, options, (_em, row) => {
      row.status = status;
    });
  }

  async rename(id: string, newId: string, options: WriteOptions = {}): Promise<T> {
    this.#parts.rules.assertNewId(newId);
    return this.#change(
      id,
      options,
      async (em, row) => {
        em.clear();
        // A key that changes is nothing that an identity map could follow.
        await execute(em, `update ${TENANTS_TABLE} set id = ? where id = ?`, [newId, row.id]);
      },
      newId,
    );
  }

  async delete(id: string, options: WriteOptions = {}): Promise<T> {
    let was: T | undefined;
    await this.#change(id, options, async (em, row) => {
      [was] = await tenantsOf<T>(this.#parts.database, em, { id });
      em.remove(row);
    });
    return was as T;
  }

  async addDomain(id: string, domain: string, options: NewDomainOptions = {}): Promise<T> {
    const checked = this.#parts.rules.checkedDomain(domain);
    return this.#change(id, options, async (em) => {
      const isFirst = (await em.count(TenantDomain, { tenantId: id })) === 0;
      const isPrimary = options.isPrimary ?? isFirst;
      if (isPrimary) {
        await em.nativeUpdate(TenantDomain, { tenantId: id, isPrimary: true }, { isPrimary: false });
      }
      const verifiedAt = options.isVerified === true ? new Date() : null;
      em.create(TenantDomain, { domain: checked, tenantId: id, isPrimary, verifiedAt } as never, { persist: true });
    });
  }

  async verifyDomain(id: string, domain: string, options: WriteOptions = {}): Promise<T> {
    return this.#changeDomain(id, domain, options, async (_em, row) => {
      row.verifiedAt ??= new Date();
    });
  }

  async setPrimaryDomain(id: string, domain: string, options: WriteOptions = {}): Promise<T> {
    return this.#changeDomain(id, domain, options, async (em, row) => {
      await em.nativeUpdate(TenantDomain, { tenantId: id, isPrimary: true }, { isPrimary: false });
      await em.nativeUpdate(TenantDomain, { domain: row.domain }, { isPrimary: true });
    });
  }

  async removeDomain(id: string, domain: string, options: WriteOptions = {}): Promise<T> {
    return this.#changeDomain(id, domain, options, async (em, row) => {
      em.remove(row);
    });
  }

  async findDomain(domain: string) {
    const checked = this.#parts.rules.checkedDomain(domain);
    const row = await this.#parts.database.fork().findOne(TenantDomain, { domain: checked }, { filters: false });
    const { isPrimary, verifiedAt, tenantId } = row ?? {};
    return row === null
      ? undefined
      : Object.freeze({
          domain: checked,
          isPrimary: isPrimary === true,
          verifiedAt: verifiedAt ?? undefined,
          tenantId: tenantId ?? '',
        });
  }

  #changeDomain(
    id: string,
    domain: string,
    options: WriteOptions,
    work: (em: EntityManager, row: TenantDomain) => Promise<void>,
  ): Promise<T> {
    const checked = this.#parts.rules.checkedDomain(domain);
    return this.#change(id, options, async (em) => {
      const row = await em.findOne(TenantDomain, { domain: checked, tenantId: id }, { filters: false });
      if (row === null) {
        throw new TenancyConfigurationError(`Tenant "${id}" has no domain ${checked}. Add it with \`addDomain\`.`, {
          tenantId: id,
        });
      }
      await work(em, row);
    });
  }

  /** Locks the row first: writers of one tenant come one after the other, whatever they change of it. */
  async #change(
    id: string,
    options: WriteOptions,
    work: (em: EntityManager, row: TenantEntity) => void | Promise<void>,
    newId = id,
  ): Promise<T> {
    assertTenantId(id);
    return this.#write(
      newId,
      options,
      async (em) => {
        const lock = { lockMode: LockMode.PESSIMISTIC_WRITE, filters: false, refresh: true } as const;
        const row = await em.findOne(this.#parts.database.tenant as EntityName<TenantEntity>, { id }, lock);
        if (row === null) {
          throw new TenantNotFoundError(id);
        }
        if (options.revision !== undefined && row.revision !== options.revision) {
          throw new TenantChangedError(id, options.revision, row.revision);
        }
        await work(em, row);
      },
      [id],
    );
  }

  async #write(
    id: string,
    { em: outer }: WriteOptions,
    work: (em: EntityManager) => Promise<void>,
    others: readonly string[] = [],
  ): Promise<T> {
    const { database, changed } = this.#parts;
    const transaction = async (em: EntityManager): Promise<T> => {
      await work(em);
      await em.flush();
      // Triggers have changed more than MikroORM knows of.
      em.clear();
      const [tenant] = await tenantsOf<T>(database, em, { id });
      return tenant as T;
    };
    try {
      if (outer !== undefined) {
        // A fork, so that clearing it leaves the caller's entities alone.
        const options = { disableContextResolution: true, keepTransactionContext: true, useContext: false };
        return await outer.getContext(false).fork(options).transactional(transaction);
      }
      const tenant = await database.fork().transactional(transaction);
      await changed([...new Set([id, ...others])]);
      return tenant;
    } catch (error) {
      throw conflictOf(error, id) ?? error;
    }
  }
}

function withoutUndefined(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

async function execute(em: EntityManager, text: string, parameters: readonly unknown[]): Promise<void> {
  await em.getConnection().execute(text, [...parameters], 'run', em.getTransactionContext());
}

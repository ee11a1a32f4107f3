import { expect } from '@jest/globals';
import {
  Cascade,
  Collection,
  defineEntity,
  type EventArgs,
  type EventSubscriber,
  type FlushEventArgs,
  p,
  ref,
  serialize,
  wrap,
} from '@mikro-orm/core';
import type { Cases, Definition } from '../describeCases.ts';

/** A class with a constructor, getters and methods, of which MikroORM knows the properties only. */
class Account {
  id!: number;
  name: string;
  secret: string | null = null;
  balance = 0;
  events: string[] = [];
  entries = new Collection<Entry>(this);

  constructor(name: string) {
    this.name = name;
  }

  get title(): string {
    return `Account ${this.name}`;
  }

  heard(event: string): void {
    this.events = [...this.events, event];
  }

  onInit(): void {
    this.events = ['init'];
  }

  onLoad(): void {
    this.heard('load');
  }

  async beforeCreate(): Promise<void> {
    await Promise.resolve();
    this.heard('beforeCreate');
  }

  afterCreate({ em }: EventArgs<Account>): void {
    this.heard(`afterCreate in ${em.config.get('dbName')}`);
  }

  beforeUpdate(): void {
    this.heard('beforeUpdate');
  }

  afterUpdate(): void {
    this.heard('afterUpdate');
  }
}

const AccountSchema = defineEntity({
  class: Account,
  hooks: {
    onInit: ['onInit'],
    onLoad: ['onLoad'],
    beforeCreate: ['beforeCreate'],
    afterCreate: ['afterCreate'],
    beforeUpdate: ['beforeUpdate'],
    afterUpdate: ['afterUpdate'],
  },
  properties: {
    id: p.integer().primary(),
    name: p.string(),
    secret: p.string().nullable().hidden(),
    balance: p
      .integer()
      .serializedName('amount')
      .serializer((value: number) => `${value} EUR`),
    title: p.string().persist(false).getter(),
    events: p.json<string[]>().persist(false),
    entries: () => p.oneToMany(Entry).mappedBy('account').cascade(Cascade.ALL),
  },
});

const EntrySchema = defineEntity({
  name: 'Entry',
  properties: {
    id: p.integer().primary(),
    text: p.string(),
    account: () => p.manyToOne(Account).ref(),
    counted: p.integer().default(0),
  },
});
class Entry extends EntrySchema.class {}
EntrySchema.setClass(Entry);

const Audit = defineEntity({
  name: 'Audit',
  properties: { id: p.integer().primary().autoincrement(), text: p.string() },
});

/** Writes an audit row within each flush that makes entries. */
class AuditSubscriber implements EventSubscriber<Entry> {
  #flushes = 0;

  getSubscribedEntities() {
    return [Entry];
  }

  async onFlush({ uow, em }: FlushEventArgs): Promise<void> {
    for (const { entity, type } of uow.getChangeSets()) {
      if (entity instanceof Entry && type === 'create') {
        this.#flushes += 1;
        const text = `${entity.text}, flush ${this.#flushes}`;
        uow.computeChangeSet(em.create(Audit, { text }, { persist: false }));
      }
    }
  }

  beforeCreate({ entity }: EventArgs<Entry>): void {
    entity.counted += 1;
  }
}

const model = { Account, Entry, Audit };

export const behaviour: Definition<typeof model> = {
  orm: { entities: [AccountSchema, Entry, Audit], subscribers: [AuditSubscriber] },
  model,
};

export const behaviourCases: Cases<typeof model> = {
  'runs every hook once, in its order': async (_model, { em, tenant, others }) => {
    const account = em.create(Account, { id: 1, name: tenant, balance: 1 } as never);
    await others();
    await em.flush();
    const afterCreate = `afterCreate in ${em.config.get('dbName')}`;
    expect(account.events).toEqual(['init', 'beforeCreate', afterCreate]);
    account.balance = 2;
    await em.flush();
    expect(account.events.slice(3)).toEqual(['beforeUpdate', 'afterUpdate']);
    expect((await em.fork().findOneOrFail(Account, 1)).events).toEqual(['init', 'load']);
  },

  'tells a subscriber of its own tenant only': async (_model, { em, tenant, others }) => {
    const account = em.create(Account, { id: 1, name: tenant, balance: 1 } as never);
    const entries = [1, 2].map((id) => em.create(Entry, { id, text: tenant, account: ref(account) }));
    await others();
    await em.flush();
    expect(entries.map(({ counted }) => counted)).toEqual([1, 1]);
    expect((await em.fork().find(Audit, {}, { orderBy: { id: 1 } })).map(({ text }) => text)).toEqual([
      `${tenant}, flush 1`,
      `${tenant}, flush 2`,
    ]);
  },

  'serializes names, hidden values and getters': async (_model, { em, tenant, others }) => {
    em.create(Account, { id: 1, name: tenant, secret: `secret of ${tenant}`, balance: 3 } as never);
    em.create(Entry, { id: 1, text: tenant, account: em.getReference(Account, 1, { wrapped: true }) });
    await em.flush();
    em.clear();
    await others();
    const account = await em.findOneOrFail(Account, 1, { populate: ['entries'] });
    const plain = { id: 1, name: tenant, amount: '3 EUR', title: `Account ${tenant}` };
    expect(JSON.parse(JSON.stringify(account))).toMatchObject({ ...plain, entries: [{ id: 1, text: tenant }] });
    expect(wrap(account).toObject()).not.toHaveProperty('secret');
    expect(serialize(account, { populate: ['entries'] })).toMatchObject({ ...plain, entries: [{ text: tenant }] });
    expect(wrap(account).serialize({ exclude: ['name'] })).not.toHaveProperty('name');
    expect(wrap(account).toPOJO()).toMatchObject({ secret: `secret of ${tenant}`, balance: 3 });
  },

  'writes through references by key, and cascades': async (_model, { em, tenant, others }) => {
    const account = em.create(Account, { id: 1, name: tenant, balance: 1 } as never);
    await em.flush();
    em.clear();
    await others();
    const entry = em.create(Entry, { id: 1, text: tenant, account: ref(Account, 1) });
    await em.flush();
    expect((await entry.account.loadOrFail()).name).toBe(tenant);
    const loaded = await em.findOneOrFail(Account, account.id, { populate: ['entries'] });
    expect(loaded.entries.getItems()).toEqual([entry]);
    em.assign(entry, { text: `assigned of ${tenant}` });
    await em.refresh(entry);
    expect(entry.text).toBe(tenant);
    em.remove(loaded);
    await em.flush();
    expect(await em.fork().count(Entry)).toBe(0);
  },
};

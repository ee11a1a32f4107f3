import { MikroORM, type Options } from '@mikro-orm/postgresql';
import { serverUrl } from '../databases.ts';
import type { TenantDatabases } from './TenantDatabases.ts';

/** What a program without this library has: one plain MikroORM for each tenant, all of them named `default`. */
export class PlainOrms implements AsyncDisposable {
  readonly #databases: TenantDatabases;
  readonly #open: MikroORM[] = [];

  constructor(databases: TenantDatabases) {
    this.#databases = databases;
  }

  async open(id: string, options: Options): Promise<MikroORM> {
    const orm = await MikroORM.init({ clientUrl: serverUrl(), dbName: this.#databases.of(id), ...options });
    this.#open.push(orm as MikroORM);
    return orm as MikroORM;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.map((orm) => orm.close()));
  }
}

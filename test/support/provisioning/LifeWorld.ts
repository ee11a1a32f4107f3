import {
  type CatalogTenant,
  type Operation,
  TenantOperationUnderwayError,
  TenantOrmManager,
} from 'mikro-orm-multitenancy';
import type { BundledProgram } from '../BundledProgram.ts';
import { adminQuery, queryAt, serverUrl, uniqueName } from '../databases.ts';
import { assertClosed } from '../manager/TestTenants.ts';
import { runProgram } from '../runProgram.ts';
import { type LifeOptions, type LifeSettings, lifeOptions, lifeProvisioning } from './lifeOptions.ts';
import type { LifeProgram } from './lifeProgram.ts';

/** What {@link LifeWorld.inProcess} runs. */
export const LIFE_PROGRAM = 'provisioning/lifeProgram.ts';

export type LifeManager = TenantOrmManager<CatalogTenant>;

/** A central database, and the tenants that managers make over it. All their databases and roles go at the end. */
export class LifeWorld implements AsyncDisposable {
  readonly central = uniqueName('life');
  /** What the names of all databases of tenants begin with. */
  readonly prefix = uniqueName('one');
  /** Of a second server. */
  readonly otherUrl: string | undefined;
  readonly #managers: TenantOrmManager[] = [];

  /** What the names of the tenants' roles begin with. */
  readonly roles: string | undefined;

  /** Of the server that holds the central database. */
  readonly url: string;

  private constructor(url: string, otherUrl: string | undefined, hasRoles: boolean) {
    this.url = url;
    this.otherUrl = otherUrl;
    this.roles = hasRoles ? uniqueName('role') : undefined;
  }

  static async create({
    url = serverUrl(),
    otherUrl,
    hasRoles = false,
  }: {
    readonly url?: string;
    readonly otherUrl?: string;
    readonly hasRoles?: boolean;
  } = {}): Promise<LifeWorld> {
    const world = new LifeWorld(url, otherUrl, hasRoles);
    const manager = await world.manager();
    await manager.central.migrate({ createDatabase: true });
    await manager.close();
    return world;
  }

  async manager({
    provisioning,
    ...options
  }: LifeOptions & { readonly hasSpares?: boolean } = {}): Promise<LifeManager> {
    const { hasSpares, ...rest } = options;
    const settings = { ...this.settings, ...(hasSpares === undefined ? {} : { hasSpares }) };
    const { seed: _seed, ...common } = lifeProvisioning(settings);
    const manager = await TenantOrmManager.init(
      lifeOptions({ ...settings, ...rest, provisioning: { ...common, ...provisioning } }),
    );
    this.#managers.push(manager as unknown as TenantOrmManager);
    return manager as LifeManager;
  }

  /** What a manager in another process needs. */
  get settings(): LifeSettings {
    return { central: this.central, url: this.url, otherUrl: this.otherUrl, prefix: this.prefix, roles: this.roles };
  }

  /** Runs a verb in another process. Gives how many statements changed something, or `undefined` where it was killed. */
  async inProcess(
    program: Omit<LifeProgram, keyof LifeSettings> & { readonly hasSpares?: boolean },
    bundled?: BundledProgram,
  ): Promise<number | undefined> {
    try {
      const { stdout } = await runProgram(bundled ?? LIFE_PROGRAM, [
        JSON.stringify({ ...this.settings, ...program } satisfies LifeProgram),
      ]);
      return (JSON.parse(stdout) as { readonly statements: number }).statements;
    } catch (error) {
      if ((error as { readonly signal?: string }).signal === 'SIGKILL') {
        return undefined;
      }
      throw error;
    }
  }

  databaseOf(id: string): string {
    return `${this.prefix}_${id}`;
  }

  query<R extends Record<string, unknown>>(text: string, parameters: unknown[] = []): Promise<R[]> {
    return queryAt<R>(this.url, text, parameters, this.central);
  }

  /** Every database of a server that is these tenants' or was made for them, without templates. */
  async databases(url = this.url): Promise<string[]> {
    return (await this.#all(url)).filter((name) => !name.includes('_template_'));
  }

  /** What the names of the library's own databases begin with. */
  async ownPrefix(): Promise<string> {
    const [row] = await adminQuery<{ hash: string }>("select left(encode(sha256($1::text::bytea), 'hex'), 8) as hash", [
      this.central,
    ]);
    return `tenancy_${row?.hash}`;
  }

  async #all(url: string): Promise<string[]> {
    const rows = await queryAt<{ name: string }>(
      url,
      'select datname as name from pg_database where starts_with(datname, $1) or starts_with(datname, $2) order by 1',
      [this.prefix, await this.ownPrefix()],
    );
    return rows.map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#managers.map((manager) => manager.close({ timeoutMs: 1_000 })));
    try {
      this.#managers.forEach(assertClosed);
    } finally {
      for (const name of [...(await this.#all(this.url)), this.central]) {
        await queryAt(this.url, `drop database if exists "${name}" with (force)`);
      }
      for (const role of await this.roleNames()) {
        await queryAt(this.url, `drop role "${role}"`);
      }
    }
  }

  /** The roles of these tenants on a server, with their group. */
  async roleNames(url = this.url): Promise<string[]> {
    const rows = await queryAt<{ name: string }>(
      url,
      'select rolname as name from pg_roles where starts_with(rolname, $1) order by 1',
      [this.roles ?? 'no role'],
    );
    return rows.map(({ name }) => name);
  }
}

/** Calls again while another process, which may be gone, holds the operation. */
export async function onceFree<R>(work: () => Promise<R>): Promise<R> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TenantOperationUnderwayError) || performance.now() > deadline) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

export const stepsOf = ({ done }: Operation): string[] => done.map(({ step }) => step);

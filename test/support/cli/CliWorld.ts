import type { ServerOptions } from 'mikro-orm-multitenancy';
import { serverUrl } from '../databases.ts';
import { FLEET_MIGRATIONS, type FleetMigrations, FleetWorld } from '../fleet/FleetWorld.ts';
import { House } from '../manager/TestTenants.ts';
import { type CliResult, type CliRun, CommandFolder } from './CommandFolder.ts';

declare global {
  var tenancyTestConfigs: Map<string, unknown> | undefined;
}

interface MoreOptions {
  readonly orm?: object;
  readonly server?: Partial<ServerOptions>;
}

/** A project with tenants, and `tenants` run in it, within this process. */
export class CliWorld implements AsyncDisposable {
  readonly #folder = new CommandFolder();
  readonly fleet: FleetWorld;

  private constructor(fleet: FleetWorld) {
    this.fleet = fleet;
  }

  static async create(count: number, migrations: FleetMigrations = FLEET_MIGRATIONS): Promise<CliWorld> {
    const world = new CliWorld(await FleetWorld.create(count));
    world.configure(migrations);
    return world;
  }

  /** Configures the project with these migrations, and more of `orm` and of the server; the file takes it from this process. */
  configure(migrations: FleetMigrations, { orm = {}, server = {} }: MoreOptions = {}): void {
    globalThis.tenancyTestConfigs ??= new Map();
    globalThis.tenancyTestConfigs.set(this.folder, {
      orm: { entities: [House], migrations: { migrationsList: [...migrations] }, ...orm },
      server: { url: serverUrl(), ...server },
      central: { database: this.fleet.central },
    });
    this.write(
      'tenancy.config.mjs',
      `export default () => globalThis.tenancyTestConfigs.get(${JSON.stringify(this.folder)});
       export const domainSecrets = ['0123456789abcdef0123456789abcdef'];`,
    );
  }

  get folder(): string {
    return this.#folder.path;
  }

  write(file: string, text: string): void {
    this.#folder.write(file, text);
  }

  run(args: readonly string[], options: CliRun = {}): Promise<CliResult> {
    return this.#folder.runAs(args, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    globalThis.tenancyTestConfigs?.delete(this.folder);
    this.#folder[Symbol.dispose]();
    await this.fleet[Symbol.asyncDispose]();
  }
}

import type { EndablePool, LentConnection } from '../../connections/TenantPool.ts';
import type { OrmTemplate } from '../../orm/OrmTemplate.ts';

/** How tenants' databases are copied. */
export interface CopyMethodOptions {
  /**
   * By PostgreSQL's programs or by this library's stream. `auto` takes the programs where they are installed and are not
   * older than the servers. @default 'auto'
   */
  readonly by?: 'auto' | 'pg_dump' | 'stream' | undefined;
  /** Where `pg_dump` and `pg_restore` are. @default the PATH */
  readonly programs?: string | undefined;
}

export interface CopierParts {
  readonly orm: OrmTemplate;
  /** What every database of a tenant gets beside the migrations, on a session as their owner. */
  readonly prepare: ((session: LentConnection) => Promise<void>) | undefined;
  readonly track: (pool: EndablePool) => () => void;
  readonly lockTimeoutMs: number;
  readonly options: CopyMethodOptions;
}

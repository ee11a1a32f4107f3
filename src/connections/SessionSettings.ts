import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TenancyConfigurationError } from '../errors.ts';
import { statusOf, type Tenant } from '../tenant/Tenant.ts';
import { LONGEST_DELAY_MS } from './Clock.ts';

/** What PostgreSQL holds a tenant's sessions to. What is left out is as the server has it. */
export interface SessionSettings {
  /** `statement_timeout`: a statement that takes longer is cancelled. In milliseconds; 0 is no limit. */
  readonly statementTimeoutMs?: number | undefined;
  /** `lock_timeout`: a statement that waits longer for a lock is cancelled. In milliseconds; 0 is no limit. */
  readonly lockTimeoutMs?: number | undefined;
  /** `idle_in_transaction_session_timeout`: a session that idles longer in a transaction is ended. 0 is no limit. */
  readonly idleInTransactionTimeoutMs?: number | undefined;
  /** Whether the tenant may only read. One of the status `readonly` may only read in any case. @default false */
  readonly readOnly?: boolean | undefined;
}

/** The same settings for every tenant, or each tenant's own. A function must give the same for the same tenant. */
export type SessionOption = SessionSettings | ((tenant: Tenant) => SessionSettings | undefined);

/** Settings that have been checked, and the name under which two of them are told apart. */
export interface TenantSession {
  readonly parameters: readonly SessionParameter[];
  readonly isReadOnly: boolean;
  readonly key: string;
}

/** A setting as PostgreSQL knows it. Neither part comes from a tenant. */
export interface SessionParameter {
  readonly name: string;
  readonly value: string;
  /** An SQL condition that holds where the setting is in force. */
  readonly inForce: string;
}

export const NO_SESSION: TenantSession = Object.freeze({ parameters: [], isReadOnly: false, key: '' });

const limit = z.int().min(0).max(LONGEST_DELAY_MS).optional();

const shape = z.strictObject({
  statementTimeoutMs: limit,
  lockTimeoutMs: limit,
  idleInTransactionTimeoutMs: limit,
  readOnly: z.boolean().optional(),
});

/** Gives the settings of tenants. Throws `TenancyConfigurationError`, at once where they are the same for all. */
export function sessionsOf(server: string, option: SessionOption | undefined): (tenant: Tenant) => TenantSession {
  if (typeof option === 'function') {
    return (tenant) => sessionOf(check(option(tenant) ?? {}, server, tenant.id), isReadOnly(tenant));
  }
  const settings = check(option ?? {}, server);
  const [writing, reading] = [sessionOf(settings, false), sessionOf(settings, true)];
  return (tenant) => (isReadOnly(tenant) ? reading : writing);
}

/** The settings of sessions that no tenant has a say in. */
export function sessionWith(settings: SessionSettings): TenantSession {
  return sessionOf(settings, false);
}

const isReadOnly = (tenant: Tenant): boolean => statusOf(tenant) === 'readonly';

function check(settings: SessionSettings, server: string, tenantId?: string): SessionSettings {
  const parsed = shape.safeParse(settings);
  if (!parsed.success) {
    const whose = tenantId === undefined ? '' : ` gave for tenant "${tenantId}"`;
    throw new TenancyConfigurationError(`Server "${server}": \`session\`${whose}: ${z.prettifyError(parsed.error)}`, {
      tenantId,
    });
  }
  return parsed.data;
}

function sessionOf(settings: SessionSettings, mayOnlyRead: boolean): TenantSession {
  const reads = mayOnlyRead || settings.readOnly === true;
  const parameters = [
    timeout('statement_timeout', settings.statementTimeoutMs),
    timeout('lock_timeout', settings.lockTimeoutMs),
    timeout('idle_in_transaction_session_timeout', settings.idleInTransactionTimeoutMs),
    reads ? [READ_ONLY] : [],
  ].flat();
  const key = parameters.map(({ name, value }) => `${name}=${value}`).join(' ');
  return Object.freeze({ parameters, isReadOnly: reads, key });
}

const READ_ONLY: SessionParameter = {
  name: 'default_transaction_read_only',
  value: 'on',
  inForce: "current_setting('default_transaction_read_only') = 'on'",
};

function timeout(name: string, valueMs: number | undefined): SessionParameter[] {
  const inForce = `current_setting('${name}')::interval = interval '${valueMs} milliseconds'`;
  return valueMs === undefined ? [] : [{ name, value: String(valueMs), inForce }];
}

/** PostgreSQL cuts a name after 63 bytes. */
const MAX_NAME_BYTES = 63;

/** What sessions of a tenant are called in `pg_stat_activity`: `tenant:` and the id, which is ASCII. */
export function applicationNameOf(tenantId: string): string {
  const name = `tenant:${tenantId}`;
  if (name.length <= MAX_NAME_BYTES) {
    return name;
  }
  const digest = createHash('sha256').update(tenantId).digest('hex').slice(0, 8);
  return `${name.slice(0, MAX_NAME_BYTES - digest.length - 1)}~${digest}`;
}

import { setImmediate as turn } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LogContext, type LoggerOptions, SimpleLogger } from '@mikro-orm/core';
import { TenantClosedError, tenancyLogFields, tenantLogger } from 'mikro-orm-multitenancy';
import { CentralWorld } from '../../support/central/CentralWorld.ts';
import { customers } from '../../support/central/customers.ts';
import { serverUrl } from '../../support/databases.ts';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';

/** A logger that keeps the context of each line. */
class KeepingLogger extends SimpleLogger {
  static readonly lines: LogContext[] = [];

  override logQuery(context: { query: string } & LogContext): void {
    KeepingLogger.lines.push(context);
  }

  static of(options: LoggerOptions): KeepingLogger {
    return new KeepingLogger(options);
  }
}

/** The lines of statements on houses, shortened to what comes before the statement. */
const beginnings = (lines: readonly string[]): string[] =>
  lines.filter((line) => line.includes('house')).map((line) => line.slice(0, line.indexOf(' select')));

describe('tenantLogger', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  async function logged(orm: object = {}) {
    const lines: string[] = [];
    const manager = await tenants.manager({
      orm: {
        entities: [House],
        debug: ['query'],
        logger: (line: string) => lines.push(stripVTControlCharacters(line)),
        loggerFactory: tenantLogger({ logger: SimpleLogger.create }),
        ...orm,
      },
    });
    return { manager, lines };
  }

  it('puts the tenant on each line of the query log, before a label of the statement', async () => {
    const { manager, lines } = await logged();
    await manager.run('acme', async (em) => {
      await em.count(House);
      await em.find(House, {}, { logging: { label: 'all of them' } });
    });
    await manager.run('globex', (em) => em.transactional((tx) => tx.count(House)));
    expect(beginnings(lines)).toEqual(['[query] (acme)', '[query] (acme all of them)', '[query] (globex)']);
    expect(lines).toContain('[query] (globex) begin');
    await manager.close();
  });

  it('names the tenant whose database it is in nested runs, after a run that threw, and outside of every run', async () => {
    const { manager, lines } = await logged();
    await using lease = await manager.acquire('globex');
    await manager.run('acme', async (em) => {
      await manager.run('globex', (inner) => inner.count(House));
      await expect(manager.run('globex', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
      await em.count(House);
      // Another tenant's ORM, reached from here by hand.
      await lease.orm.em.fork().count(House);
    });
    await lease.orm.em.fork().count(House);
    expect(beginnings(lines)).toEqual(['[query] (globex)', '[query] (acme)', '[query] (globex)', '[query] (globex)']);
    lease.release();
    await manager.close();
  });

  it('is right for work that goes on after its run, and for what fails because its tenant was closed', async () => {
    const { manager, lines } = await logged();
    const late = Promise.withResolvers<void>();
    const { promise } = await manager.run('acme', (em) => ({ promise: late.promise.then(() => em.count(House)) }));
    await manager.run('globex', async () => {
      late.resolve();
      await promise;
    });
    const { em } = await manager.run('acme', (fork) => ({ em: fork }));
    await manager.evict('acme');
    await manager.run('globex', () => expect(em.count(House)).rejects.toThrow(TenantClosedError));
    expect(new Set(beginnings(lines))).toEqual(new Set(['[query] (acme)']));
    await manager.close();
  });

  it('gives a logger of one’s own the tenant as a field, and leaves the label alone where it is told to', async () => {
    KeepingLogger.lines.length = 0;
    const { manager } = await logged({ loggerFactory: tenantLogger({ logger: KeepingLogger.of, label: false }) });
    await manager.run('acme', (em) => em.find(House, {}, { logging: { label: 'all' } }));
    expect(KeepingLogger.lines).toMatchObject([{ tenantId: 'acme', label: 'all' }]);
    await manager.close();
  });

  it('marks slow statements as well', async () => {
    const { manager, lines } = await logged({
      debug: false,
      slowQueryThreshold: 0,
      loggerFactory: undefined,
      slowQueryLoggerFactory: tenantLogger(),
    });
    await manager.run('acme', (em) => em.count(House));
    expect(lines.filter((line) => line.includes('house'))).toEqual([
      expect.stringMatching(/^\[slow-query\] \(acme\) select/),
    ]);
    await manager.close();
  });

  it('leaves to MikroORM which deprecations are ignored', () => {
    const lines: string[] = [];
    const logger = tenantLogger()({ writer: (line) => lines.push(line), ignoreDeprecations: ['D0001'] });
    logger.warn('deprecated', 'old', { label: 'D0001' });
    expect(lines).toEqual([]);
    expect(logger.isEnabled('query')).toBe(false);
    logger.setDebugMode(true);
    expect(logger.isEnabled('query')).toBe(true);
  });

  it('says for whom the central database works', async () => {
    await using world = await CentralWorld.create();
    const database = await world.tenantDatabase('acme');
    const lines: string[] = [];
    const manager = await world.managerOf<typeof customers.tenant>({
      ...customers,
      server: serverUrl(),
      orm: {
        ...customers.orm,
        debug: ['query'],
        logger: (line) => lines.push(stripVTControlCharacters(line)),
        loggerFactory: tenantLogger(),
      },
    });
    await manager.central.tenants.create({ id: 'acme', database });
    lines.length = 0;
    await manager.central.run((em) => em.execute('select 1 as house'));
    await manager.run('acme', () => manager.central.run((em) => em.execute('select 2 as house')));
    expect(beginnings(lines)).toEqual(['[query]', '[query] (acme)']);
    await manager.close();
  });
});

describe('tenancyLogFields', () => {
  it('says who the code works for that logs, and is an object of its own each time', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex']);
    const manager = await tenants.manager();
    const log: unknown[] = [];
    const line = (): void => void log.push(tenancyLogFields());
    line();
    let late: Promise<void> | undefined;
    await manager.run('acme', async () => {
      line();
      await manager.run('globex', async () => line());
      line();
      late = turn().then(line);
    });
    await late;
    line();
    expect(log).toEqual([
      {},
      { tenantId: 'acme' },
      { tenantId: 'globex' },
      { tenantId: 'acme' },
      // What a run began and did not wait for is still that tenant's.
      { tenantId: 'acme' },
      {},
    ]);
    expect(log[1]).not.toBe(log[3]);
    await manager.close();
  });
});

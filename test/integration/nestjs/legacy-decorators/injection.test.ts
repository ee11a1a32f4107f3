import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EntityManager, type EntityRepository } from '@mikro-orm/core';
import { EntityManager as PostgreSqlEntityManager } from '@mikro-orm/postgresql';
import {
  Body,
  type CanActivate,
  Controller,
  Get,
  type INestApplication,
  Inject,
  Injectable,
  Module,
  Post,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { requireTenant, type Tenant, TenantOrmManager } from 'mikro-orm-multitenancy';
import {
  bySubdomain,
  CurrentTenant,
  InjectRepository,
  TenancyModule,
  trustResolution,
} from 'mikro-orm-multitenancy/nestjs';
import { TestServer } from '../../../support/http/TestServer.ts';
import { House, TestTenants, until } from '../../../support/manager/TestTenants.ts';

interface HouseRow {
  id: number;
  address: string;
}

@Injectable()
class Houses {
  readonly em: EntityManager;
  readonly repository: EntityRepository<HouseRow>;

  constructor(
    @Inject(EntityManager) em: EntityManager,
    @InjectRepository(House) repository: EntityRepository<HouseRow>,
  ) {
    this.em = em;
    this.repository = repository;
  }

  async add(address: string): Promise<number> {
    return this.em.transactional(async (em) => {
      await em.insert(House, { address });
      return this.repository.count();
    });
  }
}

@Injectable()
class OnlyWithTenant implements CanActivate {
  canActivate(): boolean {
    return requireTenant() !== undefined;
  }
}

@Controller()
@UseGuards(OnlyWithTenant)
class HousesController {
  readonly houses: Houses;
  readonly em: PostgreSqlEntityManager;
  readonly manager: TenantOrmManager;

  constructor(
    houses: Houses,
    @Inject(PostgreSqlEntityManager) em: PostgreSqlEntityManager,
    @Inject(TenantOrmManager) manager: TenantOrmManager,
  ) {
    this.houses = houses;
    this.em = em;
    this.manager = manager;
  }

  @Post('houses')
  async add(@CurrentTenant() tenant: Tenant, @Body() body: { readonly address: string }) {
    return { tenant: tenant.id, count: await this.houses.add(body.address) };
  }

  @Get('houses')
  async list() {
    const other = requireTenant().id === 'acme' ? 'globex' : 'acme';
    const others = await this.manager.run(other, (em) => em.count(House));
    const own = await this.houses.repository.findAll();
    return { own: own.map(({ address }) => address), others, counted: await this.em.count(House) };
  }
}

describe.each(['Express', 'Fastify'])('injection in NestJS on %s', (platform) => {
  let tenants: TestTenants;
  let manager: TenantOrmManager;
  let app: INestApplication;
  let server: TestServer;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
    manager = await tenants.manager();

    @Module({
      imports: [
        TenancyModule.forRootAsync({
          useFactory: async () => ({ manager, resolve: bySubdomain('example.com'), authorize: trustResolution }),
        }),
        TenancyModule.forFeature([House]),
      ],
      controllers: [HousesController],
      providers: [Houses],
    })
    class Application {}

    if (platform === 'Express') {
      app = await NestFactory.create(Application, { logger: false });
      await app.init();
    } else {
      const fastify = await NestFactory.create<NestFastifyApplication>(Application, new FastifyAdapter(), {
        logger: false,
      });
      app = await fastify.init();
      await fastify.getHttpAdapter().getInstance().ready();
    }
    server = await TestServer.listen(app.getHttpServer());
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await tenants[Symbol.asyncDispose]();
  });

  const send = async (id: string, method = 'GET', body?: object) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await server.send(`${id}.example.com`, '/houses', headers, method, body && JSON.stringify(body));
    return { status: answer.status, body: JSON.parse(answer.body) };
  };

  it('gives singletons an EntityManager and repositories that follow the tenant of each request', async () => {
    expect(await send('acme', 'POST', { address: 'acme 1' })).toEqual({
      status: 201,
      body: { tenant: 'acme', count: 1 },
    });
    expect((await send('acme', 'POST', { address: 'acme 2' })).body).toEqual({ tenant: 'acme', count: 2 });
    expect((await send('globex', 'POST', { address: 'globex 1' })).body).toEqual({ tenant: 'globex', count: 1 });
    const seen = await Promise.all(Array.from({ length: 32 }, (_, index) => send(index % 2 === 0 ? 'acme' : 'globex')));
    for (const [index, { body }] of seen.entries()) {
      expect(body).toEqual(
        index % 2 === 0
          ? { own: ['acme 1', 'acme 2'], others: 1, counted: 2 }
          : { own: ['globex 1'], others: 2, counted: 1 },
      );
    }
    await until(async () => manager.stats().leases === 0, 'a lease is left');
  });

  it('gives a guard the tenant, and refuses a tenant that is not there before it', async () => {
    expect(await send('nobody')).toEqual({
      status: 404,
      body: { error: { code: 'TENANT_NOT_FOUND', message: 'Not Found' } },
    });
  });

  it('lets the manager be closed with the application', async () => {
    await app.close();
    await expect(manager.run('acme', () => {})).rejects.toThrow('closed');
  });
});

import { describe } from '@jest/globals';
import { Entity, Property } from '@mikro-orm/decorators/es';
import { TenantEntity } from 'mikro-orm-multitenancy';
import { decoratedTenantCases } from '../../support/central/decoratedTenantCases.ts';

@Entity()
class Customer extends TenantEntity {
  @Property({ type: 'string', default: 'free' })
  tier!: string;

  @Property({ type: 'integer', nullable: true })
  seats?: number | null;

  label(): string {
    return `${this.id} (${this.tier})`;
  }
}

describe('a tenant by ES decorators', () => decoratedTenantCases(Customer));

import type { IncomingMessage } from 'node:http';
import type { Tenant } from '../tenant/Tenant.ts';
import { type Entered, FrontDoor, type WithoutTenant } from './FrontDoor.ts';
import type { HttpExchange } from './HttpExchange.ts';
import { keepContextOfEvents } from './keepContext.ts';
import { SessionBinding } from './SessionBinding.ts';
import type { HttpCentralOptions, HttpTenancyOptions, TenancyManager } from './TenancyOptions.ts';

/** An exchange of a framework whose middleware goes on by a callback, and does not hear when a handler is done. */
export interface PassageExchange<C> extends HttpExchange<C> {
  /** Shows handlers the tenant, and the path below `tenantPath` where this framework routes after middleware. */
  enter(entered: Entered<Tenant>): void;
  /** Calls `work` when the response is about to end, before a session is saved. */
  beforeEnd(work: () => void): void;
}

/** Goes on to what follows, or to the framework's handling of errors. */
export type Next = (error?: unknown) => void;

/** What an answer to a handler's error needs of the request's way in. */
interface Passage {
  answer(error: unknown): void;
}

const PASSAGE = Symbol('tenancy passage');

/** A front door for frameworks that go on by a callback. */
export class Passages<C, T extends Tenant> {
  readonly #door: FrontDoor<C, T>;
  readonly #binding: SessionBinding<C> | undefined;

  /** Throws `TenancyConfigurationError`. */
  constructor(manager: TenancyManager<T>, options: HttpTenancyOptions<C, T> | HttpCentralOptions<C>) {
    this.#binding = SessionBinding.of(options.session);
    this.#door = new FrontDoor(manager, options, this.#binding);
  }

  /**
   * Lets a request through: `next` is called in the context of its tenant, or with an error that is not the tenancy's to
   * answer. The tenant is held until the response is over.
   */
  async pass(exchange: PassageExchange<C>, next: Next): Promise<void> {
    let isPassedOn = false;
    const passOn = (): void => {
      isPassedOn = true;
      next();
    };
    try {
      await this.#receive(exchange, passOn, () => isPassedOn);
    } catch (error) {
      if (isPassedOn) {
        throw error;
      }
      next(error);
    }
  }

  async #receive(exchange: PassageExchange<C>, passOn: () => void, isPassedOn: () => boolean): Promise<void> {
    const received = await this.#door.receive(exchange);
    switch (received.is) {
      case 'exempt':
        return passOn();
      case 'without tenant':
      case 'in tenant':
        break;
      default:
        return;
    }
    const answer = (error: unknown): void => this.#door.answerLate(exchange, error, received.headers);
    Reflect.set(exchange.req, PASSAGE, { answer } satisfies Passage);
    try {
      await this.#enter(exchange, received, () => {
        keepContextOfEvents(exchange.req, exchange.res);
        passOn();
      });
    } catch (error) {
      if (isPassedOn()) {
        throw error;
      }
      answer(error);
    } finally {
      if (received.is === 'in tenant') {
        this.#door.releaseAfter(exchange, received);
      }
    }
  }

  #enter(exchange: PassageExchange<C>, received: Entered<T> | WithoutTenant, work: () => void): Promise<void> {
    const binding = this.#binding;
    const tenant = received.is === 'in tenant' ? received.lease.tenant : undefined;
    if (binding !== undefined) {
      binding.assertOf(tenant, exchange.ctx);
      exchange.beforeEnd(() => binding.bindTo(tenant, exchange.ctx));
    }
    if (received.is === 'without tenant') {
      return this.#door.withoutTenant(work);
    }
    exchange.enter(received);
    return this.#door.inTenant(received, work);
  }
}

/**
 * Answers an error that a handler of this request left to its framework. Throws it again where that is not the
 * tenancy's to answer, or the request did not come by one.
 */
export function answerPassed(req: IncomingMessage, error: unknown): void {
  const passage: unknown = Reflect.get(req, PASSAGE);
  if (passage === undefined) {
    throw error;
  }
  (passage as Passage).answer(error);
}

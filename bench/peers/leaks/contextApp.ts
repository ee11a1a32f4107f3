import { AsyncLocalStorage } from 'node:async_hooks';
import { Handles } from './Handles.ts';
import type { App, AppOptions } from './Layer.ts';

export interface ContextParts<H, Tx> {
  open(url: string): Promise<H>;
  close(handle: H): Promise<unknown>;
  add(handle: H | Tx, name: string): Promise<unknown>;
  names(handle: H): Promise<string[]>;
  transaction(handle: H, work: (transaction: Tx) => Promise<void>): Promise<unknown>;
}

export interface ContextApp<H> extends App {
  handleOf(tenant: string): Promise<H>;
}

/** An application on an ORM without a context of its own: Node's AsyncLocalStorage holds the current tenant's handle. */
export function contextApp<H, Tx>(options: AppOptions, parts: ContextParts<H, Tx>): ContextApp<H> {
  const context = new AsyncLocalStorage<H>();
  const handles = new Handles<H>(options, parts.open, parts.close);
  const current = (): H => {
    const handle = context.getStore();
    if (handle === undefined) {
      throw new Error('There is no tenant in this context');
    }
    return handle;
  };
  return {
    run: async (tenant, work) => context.run(await handles.of(tenant), work),
    add: async (name) => parts.add(current(), name),
    names: async () => parts.names(current()),
    addBy: async (tenant, name) => parts.add(await handles.of(tenant), name),
    transaction: async (tenant, work) => {
      await parts.transaction(await handles.of(tenant), (transaction) => work((name) => parts.add(transaction, name)));
    },
    closeTenant: (tenant) => handles.closeTenant(tenant),
    close: () => handles.close(),
    handleOf: (tenant) => handles.of(tenant),
  };
}

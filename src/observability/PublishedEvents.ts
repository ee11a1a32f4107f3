import type { Channel } from 'node:diagnostics_channel';
import { TenancyEmitter, type TenancyEventMap } from '../events.ts';
import { channelOf } from './channels.ts';

/**
 * Events that are published to `node:diagnostics_channel` as well, where whoever watches the process needs no manager to
 * subscribe to. What a subscriber throws becomes an uncaught exception of its own, as with listeners.
 */
export class PublishedEvents extends TenancyEmitter {
  readonly #channels = new Map<keyof TenancyEventMap, Channel>();

  override emit<K extends keyof TenancyEventMap>(event: K, ...args: TenancyEventMap[K]): boolean {
    const channel = this.#channelOf(event);
    const { hasSubscribers } = channel;
    if (hasSubscribers) {
      channel.publish(args[0]);
    }
    return super.emit(event, ...args) || hasSubscribers;
  }

  #channelOf(event: keyof TenancyEventMap): Channel {
    let channel = this.#channels.get(event);
    if (channel === undefined) {
      channel = channelOf(event);
      this.#channels.set(event, channel);
    }
    return channel;
  }
}

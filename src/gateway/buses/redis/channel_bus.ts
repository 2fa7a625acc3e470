/**
 * Messages on channels of Redis (PUBLISH): for whoever listens at that moment, at most once.
 *
 * Used by `redis_bus.ts` for everything that is not stored.
 */
import { type Deferred, deferred, refused } from "../../../core/deferred.ts";
import { Fifo } from "../../../core/bytes/fifo.ts";
import { type DurationInput, toMilliseconds } from "../../../core/time/duration.ts";
import { bufferOver } from "../../../host/buffer.ts";
import { BusError, closedError } from "../../errors.ts";
import { Sparingly } from "../../log.ts";
import type { Bus, BusHandler, BusMessage, BusStats, BusSubscription, SubscribeOptions } from "../bus.ts";
import { LossyQueue } from "../lossy_queue.ts";
import type { PendingLimits } from "../pending_limits.ts";
import { requestTimeout } from "../request.ts";
import { checkSubject } from "../subject.ts";
import type { Subscriptions } from "../subscriptions.ts";
import { WaitingPublishers } from "../waiting_publishers.ts";
import { channelBytes } from "./channel_message.ts";
import { Channels } from "./channels.ts";
import { inTime, type RedisLink } from "./redis_link.ts";

/** The part of a bus that stores nothing. */
export class ChannelBus implements Pick<Bus, "publish" | "subscribe" | "subscribed" | "request" | "flush"> {
  readonly #link: RedisLink;
  readonly #limits: PendingLimits;
  readonly #subscriptions: Subscriptions;
  readonly #channels: Channels;
  readonly #sparingly: Sparingly;
  readonly #waiting: WaitingPublishers;
  readonly #inbox: string;
  readonly #asked: Map<string, (reply: BusMessage) => void> = new Map();
  #requests = 0;
  #published = 0;
  #unheard = 0;
  /** Payload bytes of what is sent and not answered, in order. */
  readonly #sent: Fifo<number> = new Fifo();
  #bytes = 0;
  #room: Deferred | undefined = undefined;
  #idle: Deferred | undefined = undefined;

  constructor(link: RedisLink, limits: PendingLimits, subscriptions: Subscriptions, name: string) {
    this.#link = link;
    this.#limits = limits;
    this.#subscriptions = subscriptions;
    this.#sparingly = new Sparingly(link.log);
    this.#waiting = new WaitingPublishers(link);
    this.#channels = new Channels(link);
    this.#inbox = `_INBOX.${name}`;
    this.#channels.add({
      pattern: `${this.#inbox}.*`,
      deliver: (reply) => this.#asked.get(reply.subject)?.(reply),
    });
  }

  publish(message: BusMessage): void | Promise<void> {
    if (this.#link.closed) return refused(closedError(`publish to ${message.subject}`));
    if (!this.#link.up) return this.#waiting.publish(message, (later) => this.#send(later));
    this.#send(message);
    return this.#full ? (this.#room ??= deferred()).promise : undefined;
  }

  subscribe(pattern: string, handler: BusHandler, options: SubscribeOptions): BusSubscription {
    const queue = new LossyQueue(this.#subscriptions, pattern, handler, options, this.#sparingly);
    this.#channels.add(queue);
    return {
      pattern,
      get pending() {
        return queue.pending;
      },
      get dropped() {
        return queue.dropped;
      },
      close: () => {
        if (!this.#link.closed) this.#channels.remove(queue);
        return queue.close();
      },
    };
  }

  subscribed(): Promise<void> {
    return this.#channels.known();
  }

  async request(
    message: Omit<BusMessage, "reply">,
    options: { readonly timeout?: DurationInput | undefined } = {},
  ): Promise<BusMessage> {
    const { subject } = message;
    const ms = options.timeout === undefined ? requestTimeout : toMilliseconds(options.timeout, "timeout");
    checkSubject(subject);
    const action = `request to ${subject}`;
    if (this.#link.closed) throw closedError(action);
    const reply = `${this.#inbox}.${(++this.#requests).toString(36)}`;
    const answer = new Promise<BusMessage>((resolve) => this.#asked.set(reply, resolve));
    const asking = async (): Promise<BusMessage> => {
      await this.#link.whenUp(action);
      await this.#channels.known();
      const bytes = bufferOver(channelBytes({ ...message, reply }));
      const heard = await this.#link.commands.publish(subject, bytes).catch((cause: Error) => {
        throw new BusError("disconnected", `${action}: ${cause.message}`, { cause });
      });
      if (heard === 0) throw new BusError("no_responders", `${action}: it has no subscriber`);
      return await answer;
    };
    try {
      return await inTime(asking(), ms, this.#link.clock);
    } catch (error) {
      if ((error as BusError).reason !== "timeout") throw error;
      throw new BusError("timeout", `${action}: no reply within ${ms} ms`);
    } finally {
      this.#asked.delete(reply);
    }
  }

  /** Without those of subscriptions. */
  stats(): Pick<BusStats, "published" | "unheard" | "dropped" | "pending"> {
    return {
      published: this.#published,
      unheard: this.#unheard,
      dropped: this.#waiting.overflowed,
      pending: this.#waiting.count,
    };
  }

  /** What was published has been answered, and has come where it comes back to this process. */
  async flush(): Promise<void> {
    await this.#link.whenUp("flush");
    if (this.#sent.length > 0) await (this.#idle ??= deferred()).promise;
    await this.#channels.known();
  }

  get #full(): boolean {
    return this.#sent.length >= this.#limits.messages || this.#bytes >= this.#limits.bytes;
  }

  #send(message: BusMessage): void {
    const bytes = channelBytes(message);
    this.#published++;
    this.#sent.push(bytes.length);
    this.#bytes += bytes.length;
    this.#link.commands.publish(message.subject, bufferOver(bytes), this.#answered).catch(() => {});
  }

  /** Answers come in the order of the messages, be they answers of the connection's end. */
  readonly #answered = (error: Error | null | undefined, heard: number | undefined): void => {
    this.#bytes -= this.#sent.take();
    if (error) {
      if (/^(?:NOPERM|ERR)/.test(error.message)) {
        this.#sparingly.warn("message rejected by the server", { error: error.message });
      }
    } else if (heard === 0) this.#unheard++;
    if (this.#sent.length * 2 <= this.#limits.messages && this.#bytes * 2 <= this.#limits.bytes) {
      this.#room?.resolve();
      this.#room = undefined;
    }
    if (this.#sent.length > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  };
}

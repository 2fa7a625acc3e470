/**
 * What a bus listens to on channels: each pattern at the server once, and again after each reconnect.
 *
 * Used by `channel_bus.ts`. A glob of Redis has no tokens, `*` covers dots too, so what comes by one is compared again.
 */
import type { NodeBuffer } from "../../../host/buffer.ts";
import type { BusMessage } from "../bus.ts";
import { isLiteral, matches } from "../subject.ts";
import { channelMessage } from "./channel_message.ts";
import type { RedisLink } from "./redis_link.ts";

/** Who gets messages. */
interface Listener {
  readonly pattern: string;
  deliver(message: BusMessage): void;
}

/** Those of one bus. */
export class Channels {
  readonly #link: RedisLink;
  readonly #literal: Map<string, Set<Listener>> = new Map();
  readonly #globs: Map<string, Set<Listener>> = new Map();
  #asked: Promise<unknown> = Promise.resolve();

  constructor(link: RedisLink) {
    this.#link = link;
    link.subscriber
      .on("messageBuffer", (channel: NodeBuffer, message: NodeBuffer) => {
        const subject = channel.toString();
        deliver(this.#literal.get(subject), subject, message);
      })
      .on("pmessageBuffer", (glob: NodeBuffer | string, channel: NodeBuffer, message: NodeBuffer) => {
        deliver(this.#globs.get(String(glob)), channel.toString(), message);
      })
      .on("ready", () => this.#ask());
  }

  add(listener: Listener): void {
    const [listeners, name] = this.#placeOf(listener);
    const known = listeners.get(name);
    if (known !== undefined) return void known.add(listener);
    listeners.set(name, new Set([listener]));
    const { subscriber } = this.#link;
    this.#after(listeners === this.#literal ? subscriber.subscribe(name) : subscriber.psubscribe(name));
  }

  remove(listener: Listener): void {
    const [listeners, name] = this.#placeOf(listener);
    const known = listeners.get(name);
    if (known === undefined || !known.delete(listener) || known.size > 0) return;
    listeners.delete(name);
    const { subscriber } = this.#link;
    this.#after(listeners === this.#literal ? subscriber.unsubscribe(name) : subscriber.punsubscribe(name));
  }

  /** Resolves when the server knows of all, and what it had sent before has come. */
  async known(): Promise<void> {
    await this.#asked;
    if (this.#link.subscriber.status === "ready") await this.#link.subscriber.ping().catch(() => {});
  }

  #placeOf({ pattern }: Listener): [Map<string, Set<Listener>>, string] {
    return isLiteral(pattern) ? [this.#literal, pattern] : [this.#globs, globOf(pattern)];
  }

  /** All at once, of a server that knows of none. */
  #ask(): void {
    const { subscriber } = this.#link;
    const [channels, globs] = [[...this.#literal.keys()], [...this.#globs.keys()]];
    if (channels.length > 0) this.#after(subscriber.subscribe(...channels));
    if (globs.length > 0) this.#after(subscriber.psubscribe(...globs));
  }

  /** What fails is asked for again when the server is back. */
  #after(asked: Promise<unknown>): void {
    const done = asked.catch((error: Error) => {
      if (!/^(?:NOPERM|ERR)/.test(error.message)) return;
      this.#link.log({ level: "error", message: "subscription rejected", fields: { error: error.message } });
    });
    this.#asked = Promise.all([this.#asked, done]);
  }
}

function deliver(listeners: ReadonlySet<Listener> | undefined, subject: string, bytes: Uint8Array): void {
  if (listeners === undefined) return;
  let message: BusMessage | undefined = undefined;
  for (const listener of listeners) {
    if (listener.pattern !== subject && !matches(listener.pattern, subject)) continue;
    listener.deliver(message ??= channelMessage(subject, bytes));
  }
}

/** What covers at least the same, in the words of Redis. */
function globOf(pattern: string): string {
  return pattern.split(".").map((token) =>
    token === "*" || token === ">" ? "*" : token.replace(/[\\[\]?*^]/g, "\\$&")
  ).join(".");
}

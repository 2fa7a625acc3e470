/**
 * What a consumer group has dealt with: told to the server at the end of a turn, and again until the server has heard it.
 *
 * Used by `stored_subscription.ts`.
 */
import type { LinkWatcher, RedisLink } from "./redis_link.ts";

/** Those of one group. */
export class Acknowledgements implements LinkWatcher {
  readonly #link: RedisLink;
  readonly #group: string;
  /** By stream: ids that the server is to be told, and those that it is being told. */
  readonly #waiting: Map<string, Set<string>> = new Map();
  #telling: Promise<void> | undefined = undefined;
  #planned = false;

  constructor(link: RedisLink, group: string) {
    this.#link = link;
    this.#group = group;
    link.watch(this);
  }

  add(stream: string, id: string): void {
    const ids = this.#waiting.get(stream);
    if (ids === undefined) this.#waiting.set(stream, new Set([id]));
    else ids.add(id);
    if (this.#planned) return;
    this.#planned = true;
    this.#link.clock.endOfTurn(this.#tell);
  }

  /** It is dealt with, and the server may not know it. */
  waits(stream: string, id: string): boolean {
    return this.#waiting.get(stream)?.has(id) === true;
  }

  down(): void {}

  up(): void {
    this.#tell();
  }

  /** Resolves when the server was told, or is away. */
  async close(): Promise<void> {
    await this.#telling;
    this.#tell();
    await this.#telling;
    this.#link.unwatch(this);
  }

  readonly #tell = (): void => {
    this.#planned = false;
    if (this.#telling !== undefined || this.#waiting.size === 0 || !this.#link.up) return;
    const told = [...this.#waiting].map(async ([stream, ids]) => {
      const list = [...ids];
      await this.#link.commands.xack(stream, this.#group, ...list);
      for (const id of list) ids.delete(id);
      if (ids.size === 0) this.#waiting.delete(stream);
    });
    let failed = false;
    this.#telling = Promise.allSettled(told).then((outcomes) => {
      failed = outcomes.some(({ status }) => status === "rejected");
      this.#telling = undefined;
      // Of a connection that has failed, `up` makes the next attempt.
      if (!failed) this.#tell();
    });
  };
}

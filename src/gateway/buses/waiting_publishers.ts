/** Publishers that wait for a server which is away, and how many may. Used by buses that do not store what they carry. */
import { LimitError } from "../../core/errors.ts";
import type { BusMessage } from "./bus.ts";
import { mostWaiting } from "./subscription.ts";

/** What is known of the server. */
interface ServerLink {
  readonly up: boolean;
  whenUp(action: string): Promise<void>;
}

/** Those of one bus. */
export class WaitingPublishers {
  /** Those that wait, and messages that had no place among them. */
  count = 0;
  overflowed = 0;
  readonly #link: ServerLink;

  constructor(link: ServerLink) {
    this.#link = link;
  }

  /** Sends it once there is a server. */
  async publish(message: BusMessage, send: (message: BusMessage) => void): Promise<void> {
    const action = `publish to ${message.subject}`;
    if (this.count >= mostWaiting) {
      this.overflowed++;
      const text =
        `${action}: ${mostWaiting} messages wait for a server; await the promise that publish returns`;
      throw new LimitError("waiting_sends", mostWaiting, text);
    }
    this.count++;
    try {
      while (!this.#link.up) await this.#link.whenUp(action);
      send(message);
    } finally {
      this.count--;
    }
  }
}

/**
 * Request and reply over any bus: an inbox subject of its own for each request, and one answer.
 *
 * Used by the buses. A bus with a better way of its own need not use it.
 */
import { type Clock } from "../../core/time/clock.ts";
import { BusError } from "../errors.ts";
import type { Bus, BusMessage } from "./bus.ts";

let requests = 0;

/** How long a request waits unless told otherwise, in milliseconds. */
export const requestTimeout = 5_000;

/** Publishes with a fresh reply subject and resolves with the first message that comes back there. */
export function requestOver(
  bus: Pick<Bus, "publish" | "subscribe">,
  message: Omit<BusMessage, "reply">,
  timeoutMs: number,
  clock: Clock,
): Promise<BusMessage> {
  const reply = `_INBOX.millrace.${(++requests).toString(36)}`;
  return new Promise<BusMessage>((resolve, reject) => {
    const finish = (act: () => void): void => {
      clock.clearTimer(timer);
      void subscription.close();
      act();
    };
    const subscription = bus.subscribe(reply, (answer) => finish(() => resolve(answer)), { limit: 1 });
    const timer = clock.setTimer(() => {
      const text = `request to ${message.subject}: no reply within ${timeoutMs} ms`;
      finish(() => reject(new BusError("timeout", text)));
    }, timeoutMs);
    try {
      const wait = bus.publish({ ...message, reply });
      wait?.catch((error: unknown) => finish(() => reject(error)));
    } catch (error) {
      finish(() => reject(error));
    }
  });
}

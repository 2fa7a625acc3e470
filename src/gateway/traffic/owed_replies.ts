/**
 * Replies that are owed to connections whose input has ended: as many frames as came in.
 *
 * `ingress.ts` waits for them, `egress.ts` says what was sent.
 */
import type { Clock } from "../../core/time/clock.ts";
import type { FrameConnection } from "../endpoint.ts";

/** Those of one endpoint. */
export class OwedReplies {
  readonly #waitMs: number;
  readonly #clock: Clock;
  /** Connections that wait for replies; called whenever one was sent. */
  readonly #waiting: Map<string, () => void> = new Map();

  /** `waitMs` is how long a connection waits at most; 0: not at all. */
  constructor(waitMs: number, clock: Clock) {
    this.#waitMs = waitMs;
    this.#clock = clock;
  }

  /** A frame was passed to this connection. */
  sent(id: string): void {
    this.#waiting.get(id)?.();
  }

  /** Waits until as many frames went out as came in, acknowledgements not counted, the connection ends, or the wait is over. */
  paid(
    connection: FrameConnection,
    acks?: { readonly sent: number; readonly exchange: { readonly answers: number } | undefined },
  ): Promise<void> | undefined {
    const owed = (): boolean => {
      const { framesReceived, framesSent, outboxBytes } = connection.stats();
      return outboxBytes === 0 &&
        framesSent - (acks?.sent ?? 0) < framesReceived - (acks?.exchange?.answers ?? 0);
    };
    if (this.#waitMs === 0 || !owed()) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        this.#clock.clearTimer(timer);
        this.#waiting.delete(connection.id);
        resolve();
      };
      const timer = this.#clock.setTimer(done, this.#waitMs);
      this.#waiting.set(connection.id, () => {
        void connection.flush().then(() => owed() || done(), done);
      });
      void connection.closed.then(done);
    });
  }
}

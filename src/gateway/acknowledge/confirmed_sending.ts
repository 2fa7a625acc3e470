/**
 * Messages that are delivered when the peer has acknowledged them, and sent again until then, so many times.
 *
 * Used by `traffic/egress.ts`, whose message stays the bus's until this is done.
 */
import { SocketError } from "../../core/errors.ts";
import type { SendOutcome } from "../../core/flow/outcome.ts";
import type { Clock } from "../../core/time/clock.ts";
import { BusError } from "../errors.ts";
import type { FrameConnection } from "../endpoint.ts";
import type { Acknowledger } from "./acknowledger.ts";
import type { Exchange, PeerVerdict } from "./exchange.ts";

/** For one endpoint. */
export class ConfirmedSending {
  readonly #acknowledger: Acknowledger;
  readonly #clock: Clock;

  constructor(acknowledger: Acknowledger, clock: Clock) {
    this.#acknowledger = acknowledger;
    this.#clock = clock;
  }

  /**
   * Calls `send` until the peer accepts the frame, and gives the outcome of that; a frame that asks for no answer is sent
   * once.
   *
   * @throws {BusError} rejects with `rejected` or `timeout`, for what the peer said last, when it was sent often enough
   * @throws {SocketError} rejects with `closed`, when no answer can come any more
   */
  async deliver(
    connection: FrameConnection,
    frame: Uint8Array,
    send: () => Promise<SendOutcome>,
  ): Promise<SendOutcome> {
    const { egress, protocol } = this.#acknowledger.settings;
    const exchange = this.#acknowledger.of(connection)?.exchange;
    if (egress === undefined || exchange === undefined || protocol.answer(frame, "taken") === undefined) {
      return await send();
    }
    const done = await exchange.turn();
    try {
      for (let repeats = 0;; repeats++) {
        const answer = exchange.expect(frame);
        const outcome = await send();
        if (outcome.status !== "sent") return outcome;
        const verdict = await this.#within(egress.timeout, answer, exchange);
        if (verdict === "accepted") this.#acknowledger.acksReceived++;
        if (verdict === "refused") this.#acknowledger.naksReceived++;
        if (verdict === "accepted") return outcome;
        if (verdict === "over" || repeats >= egress.repeats) {
          throw failure(connection.id, verdict, repeats + 1, egress.timeout);
        }
      }
    } finally {
      exchange.forget("silent");
      done();
    }
  }

  async #within(ms: number, answer: Promise<PeerVerdict>, exchange: Exchange): Promise<PeerVerdict> {
    const timer = this.#clock.setTimer(() => exchange.forget("silent"), ms);
    try {
      return await answer;
    } finally {
      this.#clock.clearTimer(timer);
    }
  }
}

function failure(id: string, verdict: PeerVerdict, times: number, timeout: number): BusError | SocketError {
  const what = `send to connection ${id}: `;
  if (verdict === "over") {
    return new SocketError("closed", `${what}the connection ended before the peer acknowledged it`);
  }
  return verdict === "refused"
    ? new BusError("rejected", `${what}the peer rejected it, sent ${times} times`)
    : new BusError("timeout", `${what}no acknowledgement within ${timeout} ms, sent ${times} times`);
}

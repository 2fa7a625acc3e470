/**
 * Requests over one connection after the other: those that wait for a place or a connection, and the one entry of the timer
 * wheel for the time limits of all.
 */
import { freeSession } from "../../connection/frame_taker.ts";
import type { Connection } from "../../connection/connection.ts";
import type { TerminationRecord } from "../../connection/termination.ts";
import { type Deferred, deferred } from "../../core/deferred.ts";
import type { TimerWheel, WheelEntry } from "../../core/time/timer_wheel.ts";
import { Exchange, type ExchangeOwner } from "./exchange.ts";
import { PendingRequest } from "./pending_request.ts";
import type { RequestClient, RequestCounts, RequestStats } from "./request_client.ts";
import { RequestError } from "./request_error.ts";
import type { RequestOptions } from "./request_options.ts";
import { type RequestSettings, requestTimeout } from "./request_settings.ts";

/** A client of requests. What its public members mean is said at `RequestClient`. */
export class Requester<Received, Sent> implements RequestClient<Received, Sent>, ExchangeOwner, WheelEntry {
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  readonly wheel: TimerWheel;
  readonly renewed: boolean;
  readonly counts: RequestCounts = {
    requests: 0,
    replies: 0,
    timedOut: 0,
    aborted: 0,
    disconnected: 0,
    rejected: 0,
    late: 0,
    unsolicited: 0,
    unsolicitedDropped: 0,
    pings: 0,
    pongs: 0,
  };
  readonly #settings: RequestSettings<Received, Sent>;
  readonly #link: { close(): Promise<unknown> };
  readonly #waiting: Set<PendingRequest<Received, Sent>> = new Set();
  #exchange: Exchange<Received, Sent> | undefined = undefined;
  /** What further requests fail with: there will be no connection. */
  #ended: (() => RequestError) | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;
  #idle: Deferred | undefined = undefined;
  /** When the wheel looks, and the wait that decides how fine its tick is until then. */
  #due = 0;
  #grain = Infinity;

  constructor(
    settings: RequestSettings<Received, Sent>,
    wheel: TimerWheel,
    link: { close(): Promise<unknown> },
    renewed: boolean,
  ) {
    this.#settings = settings;
    this.wheel = wheel;
    this.#link = link;
    this.renewed = renewed;
  }

  get attentive(): boolean {
    return this.#waiting.size > 0 || this.#idle !== undefined;
  }

  /** Goes on over this connection. `ended` is called at its end. Throws `OptionsError`. */
  attach(connection: Connection<Received, Sent, unknown>, ended: (record: TerminationRecord) => void): void {
    const session = freeSession(connection, "connection");
    if (this.#settings.heartbeat !== undefined) this.#watch(this.#settings.heartbeat.interval);
    const exchange = this.#exchange = new Exchange(connection, session, this.#settings, this);
    exchange.begin();
    void connection.closed.then((record) => {
      this.#exchange = undefined;
      exchange.over();
      ended(record);
      this.settled();
    });
    this.pump();
  }

  /** There will be no further connection. */
  end(cause: unknown): void {
    const why = cause instanceof Error ? cause.message : "the connection has ended";
    this.#ended = () => new RequestError("closed", "not_sent", `send a request: ${why}`, { cause });
    for (const request of this.#waiting) {
      this.counts.disconnected++;
      const text = `wait to send a request: ${why}; it had not been sent`;
      request.reject(new RequestError("disconnected", "not_sent", text, { cause }));
    }
    this.#waiting.clear();
    // With nothing to wait for, nothing keeps the process alive.
    this.wheel.cancel(this);
    this.settled();
  }

  request(frame: Sent, options?: RequestOptions): Promise<Received> {
    let limit = this.#settings.timeout;
    if (options?.timeout !== undefined) {
      try {
        limit = requestTimeout(options.timeout, limit);
      } catch (error) {
        return this.#rejected(error);
      }
    }
    const exchange = this.#exchange;
    const waits = exchange === undefined || !exchange.open || this.#waiting.size > 0;
    if (this.#closing !== undefined || this.#ended !== undefined || waits) {
      const error = this.#refusal();
      if (error !== undefined) return this.#rejected(error);
    }
    const request = new PendingRequest<Received, Sent>(limit, false);
    const signal = options?.signal;
    if (signal !== undefined) request.follow(signal, this);
    if (!request.live) return request.reply;
    this.#watch(limit);
    request.since = this.wheel.now;
    if (!waits) exchange.send(request, frame);
    else {
      request.frame = frame;
      this.#waiting.add(request);
    }
    return request.reply;
  }

  stats(): RequestStats {
    const exchange = this.#exchange;
    return {
      outstanding: exchange?.matching.size ?? 0,
      abandoned: exchange?.abandoned ?? 0,
      waiting: this.#waiting.size,
      ...this.counts,
      pingsMissed: exchange?.heartbeat?.missed ?? 0,
    };
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  pump(): void {
    for (const request of this.#waiting) {
      if (!this.#exchange?.open) return;
      this.#waiting.delete(request);
      this.#exchange.send(request, request.frame!);
    }
  }

  settled(): void {
    if (this.#idle === undefined || this.#waiting.size > 0 || (this.#exchange?.live ?? 0) > 0) return;
    this.#idle.resolve();
  }

  aborted(request: PendingRequest<Received, Sent>): void {
    this.counts.aborted++;
    this.#giveUp(request, "aborted", "aborted", request.abortReason);
  }

  /** For the wheel: whose time is over, and when to look again. */
  expire(now: number): number {
    let least = Infinity;
    let grain = Infinity;
    const until = (left: number, wait: number): void => {
      least = Math.min(least, left);
      grain = Math.min(grain, wait);
    };
    const look = (request: PendingRequest<Received, Sent>): void => {
      if (!request.live || request.limit === Infinity) return;
      const left = this.wheel.left(request.since, request.limit, now);
      if (left > 0) until(left, request.limit);
      else this.#timedOut(request);
    };
    this.#waiting.forEach(look);
    const exchange = this.#exchange;
    this.pump();
    exchange?.matching.forEach(look);
    if (exchange !== undefined) this.#lookAt(exchange, now, until);
    this.#due = now + least;
    this.#grain = grain;
    if (least < Infinity) this.wheel.schedule(this, Math.max(0, least - this.wheel.slack(grain)), grain);
    return 0;
  }

  #lookAt(
    exchange: Exchange<Received, Sent>,
    now: number,
    until: (left: number, wait: number) => void,
  ): void {
    const { timeout, window, heartbeat } = this.#settings;
    if (exchange.stalled && timeout < Infinity) {
      const left = this.wheel.left(exchange.stalledSince, timeout, now);
      if (left > 0) until(left, timeout);
      else {
        return exchange.drop(
          "reply",
          timeout,
          `all ${window} requests of the window were abandoned, and no reply came`,
        );
      }
    }
    if (heartbeat === undefined) return;
    const { interval, missed } = heartbeat;
    const left = exchange.heartbeat!.look(now);
    if (left !== undefined) until(left, interval);
    else {exchange.drop(
        "heartbeat",
        interval,
        `${missed} heartbeats, one each ${interval} ms, were not answered`,
      );}
  }

  #timedOut(request: PendingRequest<Received, Sent>): void {
    this.counts.timedOut++;
    const waited = this.#waiting.has(request);
    this.#giveUp(request, "timeout", `none came within ${request.limit} ms`);
    if (waited || !this.#settings.closesAfterTimeout) return;
    this.#exchange?.drop("reply", request.limit, `a request had no reply within ${request.limit} ms`);
  }

  #giveUp(
    request: PendingRequest<Received, Sent>,
    reason: "timeout" | "aborted",
    how: string,
    cause?: unknown,
  ): void {
    const handedOver = !this.#waiting.delete(request) && request.start >= 0;
    const sent = handedOver ? this.#exchange!.giveUp(request) : "not_sent";
    if (this.#exchange?.stalled) this.#watch(this.#settings.timeout);
    const words = { sent: "it was sent", not_sent: "it was not sent", unknown: "it may be sent" };
    request.reject(new RequestError(reason, sent, `wait for a reply: ${how}; ${words[sent]}`, { cause }));
    this.settled();
  }

  /** Why a request that cannot be sent at once cannot wait either. */
  #refusal(): RequestError | undefined {
    if (this.#closing !== undefined) {
      return new RequestError("closed", "not_sent", "send a request: the client is closing");
    }
    if (this.#ended !== undefined) return this.#ended();
    const refusal = this.#exchange?.refusal;
    if (refusal !== undefined) return refusal;
    const { maxWaiting, window } = this.#settings;
    if (this.#waiting.size < maxWaiting) return undefined;
    const what = this.#exchange === undefined ? "there is no connection" : `${window} are open`;
    const text = `send a request: ${what}, and ${this.#waiting.size} wait already; ` +
      "await replies, or raise window or maxWaiting";
    return new RequestError("window_full", "not_sent", text);
  }

  #rejected(error: unknown): Promise<never> {
    this.counts.rejected++;
    const promise = Promise.reject(error);
    promise.catch(() => {});
    return promise;
  }

  /** Sees to it that the wheel looks by then, with a tick that is fine enough for readings of its time. */
  #watch(wait: number): void {
    if (wait === Infinity) return;
    const { wheel } = this;
    const left = this.wheelSlot < 0 ? Infinity : this.#due - wheel.now;
    if (wait >= this.#grain && wait >= left) return;
    this.#grain = this.wheelSlot < 0 ? wait : Math.min(this.#grain, wait);
    wheel.schedule(this, Math.min(left, wait), this.#grain);
    this.#due = wheel.now + Math.min(left, wait);
  }

  async #close(): Promise<void> {
    this.#idle = deferred();
    this.settled();
    await this.#idle.promise;
    await this.#link.close();
  }
}

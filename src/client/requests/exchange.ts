/**
 * Requests and replies of one connection. What was sent on it is answered on it, or fails with it; frames that come behind
 * its end are nobody's.
 */
import { TimeoutError } from "../../core/errors.ts";
import type { Connection } from "../../connection/connection.ts";
import type { Session } from "../../connection/session.ts";
import { takeFrames } from "../../connection/frame_taker.ts";
import { whyOf } from "../../connection/termination.ts";
import type { TimerWheel } from "../../core/time/timer_wheel.ts";
import { Heartbeat } from "./heartbeat.ts";
import { ByKey, InOrder, type Matching } from "./matching.ts";
import { PendingRequest } from "./pending_request.ts";
import type { RequestCounts } from "./request_client.ts";
import { RequestError } from "./request_error.ts";
import type { RequestSettings } from "./request_settings.ts";
import { Unsolicited } from "./unsolicited.ts";

/** The longest that the end of a connection's life waits for replies, in ms. */
const longestRest = 30_000;

/** Who has the requests. */
export interface ExchangeOwner {
  readonly counts: RequestCounts;
  readonly wheel: TimerWheel;
  /** There may be another connection after this one. */
  readonly renewed: boolean;
  /** Somebody waits for a place, or for the end of all requests. */
  readonly attentive: boolean;
  /** There is a place. */
  pump(): void;
  /** A request is over. */
  settled(): void;
}

/** The exchange over one connection. */
export class Exchange<Received, Sent> {
  readonly matching: Matching<Received, Sent>;
  readonly heartbeat: Heartbeat | undefined;
  /** Requests that timed out or were aborted, whose replies may still come. */
  abandoned = 0;
  /** Since when all places are theirs. */
  stalledSince = 0;
  readonly #session: Session<Received, Sent, unknown>;
  readonly #settings: RequestSettings<Received, Sent>;
  readonly #owner: ExchangeOwner;
  readonly #unsolicited: Unsolicited<Received>;
  /** Heartbeats that are answered as requests are. */
  #pings = 0;
  readonly #isPong: ((frame: Received) => boolean) | undefined;
  /** The peer is slow: what is sent waits. */
  #blocked = false;
  /** The end has begun, or that of the input. */
  #ending = false;

  /** A frame of this connection. */
  readonly #received = (frame: Received): void => {
    const { counts } = this.#owner;
    if (this.#isPong?.(frame)) {
      counts.pongs++;
      return;
    }
    const request = this.matching.take(frame);
    if (request === undefined) return this.#unsolicited.frame(frame);
    if (request.live) {
      if (request.isPing) {
        this.#pings--;
        counts.pongs++;
      } else counts.replies++;
      request.resolve(frame);
    } else {
      this.abandoned--;
      counts.late++;
    }
    if (this.#owner.attentive) {
      this.#owner.pump();
      this.#owner.settled();
    }
    if (this.#ending) this.#rest();
  };

  constructor(
    connection: Connection<Received, Sent, unknown>,
    session: Session<Received, Sent, unknown>,
    settings: RequestSettings<Received, Sent>,
    owner: ExchangeOwner,
  ) {
    const { key, isUnsolicited, onUnsolicited, maxUnsolicited, heartbeat } = settings;
    this.#session = session;
    this.#settings = settings;
    this.#owner = owner;
    this.matching = key === undefined ? new InOrder(isUnsolicited) : new ByKey(key);
    const take = onUnsolicited && ((frame: Received) => onUnsolicited(frame, connection));
    const failed = (error: unknown): void => session.userFailed(error);
    this.#unsolicited = new Unsolicited(take, maxUnsolicited, owner.counts, failed);
    this.#isPong = heartbeat?.isPong;
    this.heartbeat = heartbeat && new Heartbeat(heartbeat, session, owner.wheel, this);
  }

  /** Takes the frames. */
  begin(): void {
    const { delivery, life } = this.#session;
    const readsOn = (): number => this.live > 0 ? Math.min(this.#settings.timeout, longestRest) : 0;
    takeFrames(this.#session, this.#received, readsOn);
    this.#ending = delivery.inbox.over;
    if (this.#ending) return;
    // A connection that stays open for its handler ends later.
    void delivery.inbox.look().then(() => {
      this.#ending = true;
      if (this.#session.handling) this.over();
    });
    life.onSignal(() => {
      this.#ending = true;
      this.#rest();
    });
  }

  /** A request can be sent now. */
  get open(): boolean {
    return this.matching.size < this.#settings.window && !this.#blocked && !this.#muted;
  }

  /** Nothing can be sent, or no reply can come, or another connection is about to take the place of this one. */
  get #muted(): boolean {
    const { outbox } = this.#session;
    return outbox.refusal.reason !== undefined || (this.#ending && this.#mute);
  }

  get #mute(): boolean {
    const { delivery, handling } = this.#session;
    return delivery.inbox.over || this.#owner.renewed || !handling;
  }

  /** Why a request cannot be sent on this connection, nor ever will be. */
  get refusal(): RequestError | undefined {
    if (this.#owner.renewed || !this.#muted) return undefined;
    const { outbox, id } = this.#session;
    const cause = outbox.refusal.reason?.();
    const why = cause?.message ?? "it has begun to end";
    return new RequestError("closed", "not_sent", `send a request on connection ${id}: ${why}`, { cause });
  }

  /** Requests whose callers wait. */
  get live(): number {
    return this.matching.size - this.abandoned - this.#pings;
  }

  /** Sends a request, or lets it fail at once; only where it can be sent. */
  send(request: PendingRequest<Received, Sent>, frame: Sent): void {
    const session = this.#session;
    const { outbox } = session;
    let added = false;
    let slow: void | Promise<void>;
    request.start = outbox.flow.bytes + outbox.pending;
    try {
      const written = this.matching.add(request, frame);
      added = true;
      slow = session.send(written);
    } catch (error) {
      if (added) this.matching.withdraw(request);
      return this.#refuse(request, error);
    }
    request.end = outbox.flow.bytes + outbox.pending;
    request.frame = undefined;
    if (!request.isPing) this.#owner.counts.requests++;
    if (slow !== undefined) this.#hold(slow);
  }

  /** The caller of a request that was sent waits no longer. What is known of it is told; its place is kept. */
  giveUp(request: PendingRequest<Received, Sent>): RequestError["sent"] {
    this.abandoned++;
    if (this.stalled) this.stalledSince = this.#owner.wheel.now;
    return this.#reached(request) === "all" ? "sent" : "unknown";
  }

  /** All places are kept by requests that were abandoned. */
  get stalled(): boolean {
    return this.abandoned >= this.#settings.window;
  }

  /** The peer does not answer. */
  drop(reason: "heartbeat" | "reply", limit: number, how: string): void {
    const text = `wait for the peer of connection ${this.#session.id}: ${how}`;
    this.#session.life.drop("reply_timeout", "local", new TimeoutError(reason, limit, text));
  }

  /** The input or all of the connection has ended: no reply comes any more. */
  over(): void {
    const { id, record, life: { ending } } = this.#session;
    const words = { sent: "had been sent", not_sent: "had not been sent", unknown: "may have been sent" };
    const why = ending === undefined ? "" : ` (${whyOf(ending)})`;
    this.matching.forEach((request) => {
      if (!request.live) return;
      const reached = this.#reached(request);
      const left = reached === "none" && record !== undefined ? "not_sent" : "unknown";
      const sent = reached === "all" ? "sent" : left;
      const text = `wait for a reply on connection ${id}: it ended${why}; the request ${words[sent]}`;
      const error = new RequestError("disconnected", sent, text, { cause: ending?.error });
      error.connectionId = id;
      if (!request.isPing) this.#owner.counts.disconnected++;
      request.reject(error);
    });
    this.matching.clear();
    this.abandoned = this.#pings = 0;
    this.#owner.settled();
  }

  get canPing(): boolean | undefined {
    const { heartbeat, key, window } = this.#settings;
    if (heartbeat!.isPong !== undefined) return true;
    const room = key === undefined ? this.live + this.abandoned === 0 : this.matching.size < window;
    return room || (this.live > 0 ? undefined : false);
  }

  ping(): void {
    const { ping, isPong } = this.#settings.heartbeat!;
    if (this.#session.outbox.refusal.reason !== undefined) return;
    try {
      const frame = ping();
      if (isPong !== undefined) this.#session.send(frame);
      else {
        this.#pings++;
        this.send(new PendingRequest(Infinity, true), frame);
      }
      this.#owner.counts.pings++;
    } catch (error) {
      this.#session.userFailed(error);
    }
  }

  #refuse(request: PendingRequest<Received, Sent>, error: unknown): void {
    if (request.isPing) {
      this.#pings--;
      this.#session.userFailed(error);
      return;
    }
    this.#owner.counts.rejected++;
    request.reject(error);
    this.#owner.settled();
  }

  /** By its place in the stream, since the policy drops no frame. */
  #reached({ start, end }: PendingRequest<Received, Sent>): "all" | "none" | "unknown" {
    const { outbox } = this.#session;
    outbox.look();
    return outbox.flow.reached(start, end);
  }

  /** It is about to end, at the end of its life, and no reply is awaited any more. */
  #rest(): void {
    const { state, handling, pipeline } = this.#session;
    if (state === "draining" && !handling && this.live === 0) pipeline.stopAtBoundary();
  }

  #hold(slow: Promise<void>): void {
    this.#blocked = true;
    const resume = (): void => {
      this.#blocked = false;
      this.#owner.pump();
    };
    slow.then(resume, resume);
  }
}

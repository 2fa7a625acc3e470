/** Which request a frame answers: the oldest, or the one with its key. */
import { Fifo } from "../../core/bytes/fifo.ts";
import { RequestError } from "./request_error.ts";
import type { PendingRequest } from "./pending_request.ts";
import type { KeySettings, RequestKey } from "./request_settings.ts";

/** The requests of one connection that have no reply yet, those that were abandoned among them. */
export interface Matching<Received, Sent> {
  readonly size: number;
  /** Adds a request, and gives what is to be sent. Throws `RequestError`, or what the user's function throws. */
  add(request: PendingRequest<Received, Sent>, frame: Sent): Sent;
  /** The last one that was added is not sent after all. */
  withdraw(request: PendingRequest<Received, Sent>): void;
  /** Takes out the request that this frame answers. */
  take(frame: Received): PendingRequest<Received, Sent> | undefined;
  forEach(call: (request: PendingRequest<Received, Sent>) => void): void;
  clear(): void;
}

/** Replies come in the order of the requests. */
export class InOrder<Received, Sent> implements Matching<Received, Sent> {
  readonly #requests: Fifo<PendingRequest<Received, Sent>> = new Fifo();
  readonly #isUnsolicited: ((frame: Received) => boolean) | undefined;

  constructor(isUnsolicited: ((frame: Received) => boolean) | undefined) {
    this.#isUnsolicited = isUnsolicited;
  }

  get size(): number {
    return this.#requests.length;
  }

  add(request: PendingRequest<Received, Sent>, frame: Sent): Sent {
    this.#requests.push(request);
    return frame;
  }

  withdraw(): void {
    this.#requests.takeNewest();
  }

  take(frame: Received): PendingRequest<Received, Sent> | undefined {
    if (this.#isUnsolicited?.(frame) || this.#requests.length === 0) return undefined;
    return this.#requests.take();
  }

  forEach(call: (request: PendingRequest<Received, Sent>) => void): void {
    this.#requests.forEach(call);
  }

  clear(): void {
    this.#requests.clear();
  }
}

/** Replies name the request that they answer. */
export class ByKey<Received, Sent> implements Matching<Received, Sent> {
  readonly #requests: Map<RequestKey, PendingRequest<Received, Sent>> = new Map();
  readonly #key: KeySettings<Received, Sent>;
  #next: number;

  constructor(key: KeySettings<Received, Sent>) {
    this.#key = key;
    this.#next = key.first;
  }

  get size(): number {
    return this.#requests.size;
  }

  add(request: PendingRequest<Received, Sent>, frame: Sent): Sent {
    const { ofRequest, assign } = this.#key;
    if (assign !== undefined) {
      const key = this.#free();
      const written = assign(frame, key);
      this.#add(request, key);
      return written;
    }
    const key = ofRequest!(frame);
    if (this.#requests.has(key)) {
      const text = `send a request: the one before it with the key ${String(key)} has no reply yet`;
      throw new RequestError("duplicate_key", "not_sent", text);
    }
    this.#add(request, key);
    return frame;
  }

  withdraw({ key }: PendingRequest<Received, Sent>): void {
    this.#requests.delete(key!);
  }

  take(frame: Received): PendingRequest<Received, Sent> | undefined {
    const key = this.#key.ofReply(frame);
    if (key === undefined) return undefined;
    const request = this.#requests.get(key);
    if (request !== undefined) this.#requests.delete(key);
    return request;
  }

  forEach(call: (request: PendingRequest<Received, Sent>) => void): void {
    this.#requests.forEach(call);
  }

  clear(): void {
    this.#requests.clear();
  }

  #add(request: PendingRequest<Received, Sent>, key: RequestKey): void {
    request.key = key;
    this.#requests.set(key, request);
  }

  /** There are more keys than places in the window. */
  #free(): number {
    const { first, last } = this.#key;
    for (;;) {
      const key = this.#next;
      this.#next = key === last ? first : key + 1;
      if (!this.#requests.has(key)) return key;
    }
  }
}

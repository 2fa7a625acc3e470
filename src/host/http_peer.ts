/**
 * One connection to an HTTP server: its requests are answered one after the other, in order, and what is no request is
 * refused once, after what was asked before it.
 *
 * Used by `http_server.ts`, which listens.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "../core/time/clock.ts";

/** What is known of a request. */
export interface HttpRequest {
  readonly method: string;
  /** As it was sent: a path with its query, an absolute URI, `*`, or for `CONNECT` a host and a port. */
  readonly target: string;
  /** Such as `"1.1"`. */
  readonly version: string;
  /** In the order in which they came, with repetitions; values are Latin-1. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** An answer, whole. `content-length`, `date` and `connection` are added. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Ends the connection, as after a request that is none. */
  readonly close?: boolean;
}

/** Why a request is refused before it is one: malformed, late, its head too large, or of another version of HTTP. */
export type HttpRefusal = 400 | 408 | 431 | 505;

/** What every connection is given. */
export interface HttpPeerOptions {
  readonly clock: Clock;
  /** Answers a request; must not reject. */
  readonly answer: (request: HttpRequest) => Promise<HttpAnswer>;
  /** Makes the answer to what is refused. */
  readonly refuse: (status: HttpRefusal) => HttpAnswer;
  /** How long a request may take to arrive, body included, in milliseconds; then it is answered with 408. */
  readonly requestTimeout: number;
  /** How long a connection may be silent between two requests, or take nothing of an answer, in milliseconds. */
  readonly silence: number;
}

/** Requests that may wait for the answer of an earlier one. */
const mostAhead = 32;
/** An answer is handed on in pieces, so that a peer that takes some of it shows progress. */
const pieceBytes = 64 * 1024;
const encoder = new TextEncoder();

/** One connection. */
export class HttpPeer {
  readonly #socket: Duplex;
  readonly #options: HttpPeerOptions;
  #turn: Promise<void> = Promise.resolve();
  #ahead = 0;
  #refused = false;
  /** Ends the wait for the rest of a body. */
  #giveUpBody: () => void = () => {};

  constructor(socket: Duplex, options: HttpPeerOptions) {
    this.#socket = socket;
    this.#options = options;
    // The end of one peer; the code that answers it checks.
    socket.on("error", () => {});
  }

  /** Answers a request in its turn; without `message`, its body is not waited for. */
  take(request: HttpRequest, message: IncomingMessage | undefined, response: ServerResponse): void {
    response.on("error", () => {});
    this.#queue(async () => {
      const last = !staysOpen(request);
      if (message !== undefined && !await this.#whole(message, request)) return;
      const answer = await this.#options.answer(request);
      await this.#send(answer, request.method === "HEAD", last, response);
      if (message === undefined) this.#letGo();
    });
  }

  /** Answers `CONNECT`, which leaves the socket to the code that answers. */
  tunnel(request: HttpRequest): void {
    this.#socket.on("data", () => {});
    this.#queue(async () => this.#last(await this.#options.answer(request)));
  }

  /** Says what is wrong with what has come, and answers no more. */
  refuse(status: HttpRefusal): void {
    if (this.#refused) return;
    this.#refused = true;
    if (!this.#socket.writable) {
      this.#socket.destroy();
      return;
    }
    this.#giveUpBody();
    this.#turn = this.#turn.then(() => this.#last(this.#options.refuse(status)));
  }

  #queue(work: () => Promise<void>): void {
    if (this.#refused) return;
    if (++this.#ahead > mostAhead) {
      this.#socket.destroy();
      return;
    }
    this.#turn = this.#turn.then(async () => {
      if (!this.#socket.destroyed) await work();
      this.#ahead--;
    }).catch(() => void this.#socket.destroy());
  }

  /** Resolves when the body has come and is forgotten; false when it does not come. */
  #whole(message: IncomingMessage, { headers }: HttpRequest): Promise<boolean> {
    message.resume();
    message.on("error", () => {});
    if (!hasBody(headers) || message.readableEnded) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#giveUpBody = () => resolve(false);
      if (this.#refused && !message.complete) resolve(false);
      message.on("end", () => resolve(true));
      message.on("close", () => resolve(message.complete));
    });
  }

  async #send(
    { status, headers, body, close = false }: HttpAnswer,
    headOnly: boolean,
    last: boolean,
    response: ServerResponse,
  ): Promise<void> {
    const bytes = encoder.encode(body);
    response.writeHead(status, {
      ...headers,
      "content-length": bytes.length,
      ...(last || close ? { connection: "close" } : {}),
    });
    const { clock, silence } = this.#options;
    let wake: () => void = () => {};
    let over = false;
    response.on("drain", () => wake());
    response.on("close", () => {
      over = true;
      wake();
    });
    for (let at = 0; !over && !headOnly && at < bytes.length; at += pieceBytes) {
      if (response.write(bytes.subarray(at, at + pieceBytes))) continue;
      const timer = clock.setTimer(() => this.#socket.destroy(), silence);
      if (!over && !this.#socket.destroyed) await new Promise<void>((resolve) => wake = resolve);
      clock.clearTimer(timer);
    }
    response.end();
  }

  /** Writes an answer that no request's object of the runtime takes, and ends the connection. */
  #last({ status, headers, body }: HttpAnswer): void {
    if (!this.#socket.writable) {
      this.#socket.destroy();
      return;
    }
    const lines = Object.entries({
      ...headers,
      "content-length": String(encoder.encode(body).length),
      date: new Date().toUTCString(),
      connection: "close",
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${body}`);
    this.#letGo();
  }

  /** What still comes is read for a while, since a socket that is closed before takes its last words back. */
  #letGo(): void {
    if (this.#socket.destroyed) return;
    const { clock, requestTimeout } = this.#options;
    const timer = clock.setTimer(() => this.#socket.destroy(), requestTimeout);
    this.#socket.on("close", () => clock.clearTimer(timer));
  }
}

function valuesOf(headers: HttpRequest["headers"], wanted: string): string[] {
  return headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
}

function hasBody(headers: HttpRequest["headers"]): boolean {
  return valuesOf(headers, "transfer-encoding").length > 0 ||
    valuesOf(headers, "content-length").some((length) => Number(length) !== 0);
}

/** Whether another request may follow on the same connection: not after a body, which few here send. */
function staysOpen({ version, headers }: HttpRequest): boolean {
  const connection = valuesOf(headers, "connection").join(",").toLowerCase().split(/[\s,]+/);
  return version === "1.1" && !connection.includes("close") && !connection.includes("upgrade") &&
    !hasBody(headers);
}

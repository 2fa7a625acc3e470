/**
 * One peer before it is a connection: its PROXY protocol header, then what its first bytes say, then it is handed on, to
 * TLS or to the server, or answered, or rejected.
 *
 * Made by `prefaces.ts`, which has the limits. Holds a header and a chunk at most.
 */
import { GrowingBytes } from "../../core/bytes/growing_bytes.ts";
import type { SocketError } from "../../core/errors.ts";
import { BegunTransport } from "../../core/flow/begun_transport.ts";
import { readProxyHeader } from "../../core/proxy/proxy_header.ts";
import { Deadline } from "../../core/time/deadline.ts";
import type { TimerWheel } from "../../core/time/timer_wheel.ts";
import type { Peer, Secure, Transport, TransportEvents } from "../../core/transport.ts";
import type { Refusal } from "../admission.ts";
import type { RejectReason } from "../admission_options.ts";
import { type Choice, choose, otherwise } from "./first_bytes.ts";
import { HealthCheck } from "./health_check.ts";
import type { PrefacePlan, ProxySettings } from "./preface_settings.ts";

/** How long a peer whose health check is answered gets to take the answer and close, in ms. */
const leaveMs = 1000;

/** Who has a set of them; none of its methods may throw. */
export interface PrefaceOwner<Profile> {
  readonly wheel: TimerWheel;
  /** It is known who the peer is. Why it may not connect, if so. */
  known(peer: Peer): Refusal | undefined;
  /** It is a connection: of the server's own protocol where there is no profile. */
  accept(transport: Transport, profile: Profile | undefined): void;
  /** `plain`: the peer understands what is sent to it in plaintext. */
  reject(transport: Transport, reason: Refusal, plain: boolean, detail?: string): void;
  /** What a health check is told. */
  healthy(): boolean;
  checked(): void;
  /** It has left before there was a connection: silent, or in the midst of something. */
  left(peer: Peer, silent: boolean, error: SocketError | undefined): void;
  /** It is no preface any more; `known` is its address, once that was known and it was let in. */
  over(preface: object, known: string | undefined): void;
}

/** One such peer. */
export class Preface<Profile extends object> implements TransportEvents {
  readonly transport: BegunTransport;
  readonly #plan: PrefacePlan<Profile>;
  readonly #owner: PrefaceOwner<Profile>;
  readonly #secure: Secure | undefined;
  readonly #deadline: Deadline;
  #bytes: GrowingBytes | undefined = new GrowingBytes();
  /** What waits to be decided. */
  #waitsFor: "header" | "first bytes" | "request" | "close" | "nothing" = "nothing";
  /** Bytes of a header that was read. */
  #headerLength = 0;
  #check: HealthCheck | undefined = undefined;
  #toTls = false;
  /** The address of the peer, once that is known and it was let in. */
  known: string | undefined = undefined;

  constructor(
    transport: Transport,
    plan: PrefacePlan<Profile>,
    owner: PrefaceOwner<Profile>,
    secure: Secure | undefined,
  ) {
    this.transport = new BegunTransport(transport, this);
    this.#plan = plan;
    this.#owner = owner;
    this.#secure = secure;
    this.#deadline = new Deadline(owner.wheel, () => this.#late());
  }

  /** Begins to read, where there is something to be read. */
  begin(): void {
    const { proxy } = this.#plan;
    const { peer } = this.transport;
    const trusted = proxy?.trusts(peer.ip) ?? false;
    if (proxy !== undefined && !trusted && !proxy.acceptsOthers) {
      if (peer.ip === "") return this.#refuse("gone");
      return this.#reject("proxy_untrusted", `${peer.ip} is not in proxyProtocol.from`);
    }
    if (trusted) this.#await("header", proxy!.timeout);
    else this.#beginFirst();
    // Not of one that needs no bytes: it has gone on by now.
    if (this.#bytes !== undefined) this.transport.begin();
  }

  /** Drops it; one that was answered still gets what it was sent. */
  abort(): void {
    const answered = this.#waitsFor === "close";
    this.#finish();
    if (answered) this.transport.release();
    else this.transport.abort();
  }

  // What the transport tells.

  data(chunk: Uint8Array): boolean {
    if (this.#bytes === undefined || this.#waitsFor === "close") return !this.#toTls;
    this.#look(this.#bytes.extend(chunk), false);
    return !this.#toTls;
  }

  drain(): void {}

  end(): void {
    if (this.#waitsFor === "close" || this.#waitsFor === "nothing") return;
    const bytes = this.#bytes!.extend(nothing);
    if (bytes.length === this.#headerLength) return this.#leave(undefined);
    this.#look(bytes, true);
  }

  close(error?: SocketError): void {
    if (this.#waitsFor === "close") this.#finish();
    else if (this.#waitsFor !== "nothing") this.#leave(error);
  }

  /** What has come so far; `ended`: no more will. */
  #look(bytes: Uint8Array, ended: boolean): void {
    if (this.#waitsFor === "header") this.#readHeader(bytes, ended, this.#plan.proxy!);
    else if (this.#waitsFor === "first bytes") this.#decide(bytes.subarray(this.#headerLength), ended);
    else if (this.#waitsFor === "request") this.#answer(bytes.subarray(this.#headerLength), ended);
  }

  #readHeader(bytes: Uint8Array, ended: boolean, { required, maxBytes }: ProxySettings): void {
    const reading = readProxyHeader(bytes, maxBytes);
    switch (reading.kind) {
      case "more":
        if (ended) this.#reject("proxy_malformed", "the connection ended within the header");
        return;
      case "none":
        if (required) return this.#reject("proxy_missing", "the first bytes are no PROXY protocol header");
        return this.#beginFirst(bytes, ended);
      case "fault":
        return this.#reject("proxy_malformed", `found ${reading.fault}`);
      default: {
        const { header, length } = reading;
        const { ip, port } = this.transport.peer;
        const { source } = header;
        this.#headerLength = length;
        this.transport.identify({
          ip: source?.ip ?? ip,
          port: source?.port ?? port,
          via: { ip, port, ...header },
        });
        this.#beginFirst(bytes, ended);
      }
    }
  }

  /** It is known who the peer is. */
  #beginFirst(bytes: Uint8Array = nothing, ended = false): void {
    const { peer } = this.transport;
    const refusal = this.#owner.known(peer);
    if (refusal !== undefined) return this.#refuse(refusal);
    this.known = peer.ip;
    const { first } = this.#plan;
    const rest = bytes.subarray(this.#headerLength);
    if (first === undefined) return this.#go(this.#secure === undefined ? "own" : "tls", rest, ended);
    this.#await("first bytes", Math.min(first.after, first.timeout));
    this.#decide(rest, ended);
  }

  #decide(rest: Uint8Array, ended: boolean): void {
    const { first } = this.#plan;
    const choice = choose(rest, first!);
    if (choice !== "more") return this.#go(choice, rest, ended);
    // One that has sent less than any beginning, and no more, can only be one that has none.
    if (ended) this.#go(otherwise(first!), rest, ended);
  }

  #go(choice: Exclude<Choice<Profile>, "more">, rest: Uint8Array, ended: boolean): void {
    if (choice === "health") {
      const { path } = this.#plan.first!.check!;
      this.#check = new HealthCheck(path, () => this.#owner.healthy());
      this.#await("request", this.#plan.first!.timeout);
      return this.#answer(rest, ended);
    }
    if (choice === "tls") {
      if (ended) return this.#leave(undefined);
      this.#toTls = true;
      this.#finish();
      return this.#secure!(rest, this.transport.peer);
    }
    this.#finish();
    this.transport.unread(rest, ended);
    this.#owner.accept(this.transport, choice === "own" ? undefined : choice);
  }

  #answer(rest: Uint8Array, ended: boolean): void {
    const answer = this.#check!.answer(rest);
    if (answer === undefined) return ended ? this.#leave(undefined) : undefined;
    this.#owner.checked();
    this.#await("close", leaveMs);
    this.transport.write(answer);
    this.transport.end();
  }

  #late(): void {
    const { first } = this.#plan;
    const bytes = this.#bytes?.extend(nothing) ?? nothing;
    switch (this.#waitsFor) {
      case "header":
        return this.#reject("proxy_timeout", `no header within ${this.#plan.proxy!.timeout} ms`);
      case "first bytes":
        if (first!.after <= first!.timeout) {
          return this.#go(otherwise(first!), bytes.subarray(this.#headerLength), false);
        }
        return this.#reject("first_bytes_timeout", `nothing decided within ${first!.timeout} ms`);
      case "close":
        this.#finish();
        return this.transport.release();
      default:
        return this.#reject("first_bytes_timeout", "no complete request for a health check");
    }
  }

  #await(what: "header" | "first bytes" | "request" | "close", ms: number): void {
    this.#waitsFor = what;
    this.#deadline.set(ms);
  }

  /** It is not what it should be, so that nothing that is sent would be understood. */
  #reject(reason: RejectReason, detail: string): void {
    this.#finish();
    this.#owner.reject(this.transport, reason, false, detail);
  }

  #refuse(reason: Refusal): void {
    this.#finish();
    this.#owner.reject(this.transport, reason, this.#secure === undefined);
  }

  /** The peer has gone, or has ended without having said what it is. */
  #leave(error: SocketError | undefined): void {
    const silent = (this.#bytes?.length ?? 0) === this.#headerLength;
    this.#finish();
    this.#owner.left(this.transport.peer, silent, error);
    this.transport.abort();
  }

  #finish(): void {
    this.#waitsFor = "nothing";
    this.#deadline.unset();
    this.#bytes = undefined;
    this.#owner.over(this, this.known);
    this.known = undefined;
  }
}

const nothing = new Uint8Array(0);

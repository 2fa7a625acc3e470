/**
 * One direction of one connection on the virtual network: it delays, joins, cuts, and strikes with its fault.
 *
 * Used by the virtual network. Knows its link and the other direction; knows no transport.
 */
import { concatBytes } from "../core/bytes/bytes.ts";
import type { Route, Segment, Wire } from "../adapters/memory/adapter.ts";
import type { Clock } from "../core/time/clock.ts";
import { type ArmedFault, drawn, type FaultKind, type Link } from "./virtual_network_link.ts";
import type { NetworkEvent, NetworkLog } from "./virtual_network_log.ts";
import { SeededRandom } from "./virtual_network_random.ts";

/** What a paced link takes at once: the payload of an Ethernet frame. */
const packetSize = 1460;
/** Milliseconds by which sums of times may be off. */
const rounding = 1e-6;

/** What both directions of a connection share. */
export class Circuit {
  /** What has become of it: a reset connection answers with a reset, a stalled one not at all. */
  state: "open" | "broken" | "stalled" = "open";
  readonly wires: VirtualWire[] = [];
  /** How many FINs have arrived. */
  fins = 0;
  /** Called when nothing more can happen to it. */
  readonly over: () => void;

  constructor(over: () => void) {
    this.over = over;
  }
}

interface Parcel {
  readonly at: number;
  readonly segment: Segment;
}

/** One direction. */
export class VirtualWire implements Wire {
  readonly window: number | undefined;
  readonly route: Route;
  readonly #arrive: (segment: Segment) => void;
  readonly #link: Link;
  readonly #circuit: Circuit;
  readonly #clock: Clock;
  readonly #log: NetworkLog;
  readonly #random: SeededRandom;
  readonly #fault: ArmedFault | undefined;
  #queue: Parcel[] = [];
  #lastAt = 0;
  #passed = 0;
  #timed = false;
  #resetTold = false;

  constructor(
    route: Route,
    arrive: (segment: Segment) => void,
    link: Link,
    circuit: Circuit,
    clock: Clock,
    log: NetworkLog,
    seed: number,
  ) {
    this.route = route;
    this.#arrive = arrive;
    this.#link = link;
    this.#circuit = circuit;
    this.#clock = clock;
    this.#log = log;
    this.window = link.options.window;
    // Of its own, so that what one connection draws does not depend on what the others do.
    this.#random = new SeededRandom(seed, route.connection, route.reply ? 1 : 0);
    this.#fault = link.draw(this.#random);
    circuit.wires.push(this);
  }

  send(segment: Segment): void {
    const { bandwidth } = this.#link.options;
    if (segment.kind !== "data" || bandwidth === undefined) return this.#post(segment, this.#clock.now());
    for (let at = 0; at < segment.bytes.length; at += packetSize) {
      const bytes = segment.bytes.subarray(at, at + packetSize);
      const leaves = Math.max(this.#clock.now(), this.#link.busyUntil) + 1000 * bytes.length / bandwidth;
      this.#link.busyUntil = leaves;
      this.#post({ kind: "data", bytes }, leaves);
    }
  }

  /** The link carries again. */
  wake(): void {
    this.#schedule();
  }

  /** Breaks the connection now, at both ends. */
  break(kind: FaultKind): void {
    this.#strike(kind);
  }

  #post(segment: Segment, leaves: number): void {
    const arrives = leaves + drawn(this.#link.options.latency ?? 0, this.#random);
    this.#lastAt = Math.max(this.#lastAt, arrives);
    this.#queue.push({ at: this.#lastAt, segment });
    this.#schedule();
  }

  get #held(): boolean {
    return this.#link.parted || this.#circuit.state === "stalled";
  }

  #schedule(): void {
    const next = this.#queue[0];
    if (this.#timed || next === undefined || this.#held) return;
    this.#timed = true;
    const wait = next.at - this.#clock.now();
    const due = (): void => {
      this.#timed = false;
      this.#deliver();
      this.#schedule();
    };
    if (wait < rounding) this.#clock.endOfTurn(due);
    else this.#clock.setTimer(due, wait);
  }

  #deliver(): void {
    const now = this.#clock.now() + rounding;
    let joined: Uint8Array[] = [];
    for (let next = this.#queue[0]; next !== undefined && next.at <= now; next = this.#queue[0]) {
      if (this.#held) break;
      this.#queue.shift();
      const { segment } = next;
      if (segment.kind === "data") {
        joined.push(segment.bytes);
        const after = this.#queue[0];
        if (after !== undefined && after.at <= now && after.segment.kind === "data") continue;
        this.#carry(joined);
        joined = [];
      } else this.#signal(segment);
    }
  }

  #carry(chunks: readonly Uint8Array[]): void {
    const { chunk } = this.#link.options;
    if (chunk === undefined) {
      for (const bytes of chunks) this.#pass(bytes);
      return;
    }
    const whole = concatBytes(chunks);
    for (let at = 0; at < whole.length;) {
      const size = drawn(chunk, this.#random);
      this.#pass(whole.subarray(at, at + size));
      at += size;
    }
  }

  #pass(bytes: Uint8Array): void {
    if (this.#circuit.state === "stalled") return;
    if (this.#circuit.state === "broken") return this.#answerReset();
    const fault = this.#fault;
    const left = fault === undefined ? Infinity : fault.afterBytes - this.#passed;
    const size = Math.min(bytes.length, left);
    if (size > 0) {
      this.#passed += size;
      this.#note("data", size);
      this.#arrive({ kind: "data", bytes: bytes.subarray(0, size) });
    }
    if (fault !== undefined && size === left && this.#circuit.state === "open") this.#strike(fault.kind);
  }

  #signal(segment: Exclude<Segment, { kind: "data" }>): void {
    const circuit = this.#circuit;
    if (circuit.state === "broken") return;
    if (segment.kind === "window") return this.#arrive(segment);
    if (segment.kind === "reset") {
      circuit.state = "broken";
      circuit.over();
      return this.#reset();
    }
    if (segment.kind === "refused" || (segment.kind === "fin" && ++circuit.fins === 2)) circuit.over();
    this.#note(names[segment.kind]);
    this.#arrive(segment);
  }

  #strike(kind: FaultKind): void {
    if (this.#circuit.state !== "open") return;
    this.#note(`fault: ${kind}`);
    this.#circuit.state = kind === "stall" ? "stalled" : "broken";
    if (kind === "stall") return;
    this.#circuit.over();
    if (kind === "fin") this.#arrive({ kind });
    else this.#reset();
    this.#answerReset();
  }

  /** To the sender; one that is over already takes no notice. */
  #answerReset(): void {
    for (const wire of this.#circuit.wires) if (wire !== this) wire.#reset();
  }

  #reset(): void {
    if (this.#resetTold) return;
    this.#resetTold = true;
    this.#note("reset");
    this.#arrive({ kind: "reset" });
  }

  #note(what: NetworkEvent["what"], bytes?: number): void {
    const { connection, from, to } = this.route;
    this.#log.add({ at: this.#clock.now(), connection, from, to, what, bytes });
  }
}

const names = {
  open: "connect",
  opened: "connected",
  refused: "refused",
  fin: "end",
} as const;

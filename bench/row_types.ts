/** What a row of the table is: its kinds, and what each of them needs to be measured. */
import type { Task } from "./framings/contestants.ts";
import type { RuntimeName } from "./runtimes.ts";

/** The load that a group of server programs is put under. */
export interface EchoLoad {
  readonly connections: number;
  readonly depth: number;
  /** `lines`: as many bytes as `bytes` says, or 63, and a newline. `length`: a four-byte length and 64 KiB. */
  readonly message: "lines" | "length";
  readonly bytes?: number;
  /** Over TLS; and with a new connection and a full handshake for each message, rather than with the same ones. */
  readonly tls?: "kept" | "new";
  /** In the clear, with a new connection for each message. */
  readonly renewed?: boolean;
  /** The programs are clients, and `depth` callers of theirs ask an echo server, one request each at a time. */
  readonly asking?: boolean;
  /** Through a proxy, whose processor time it is then. */
  readonly proxied?: boolean;
}

/** One line of the table. */
export type Row = BorrowRow | EchoRow | FramingRow | GatewayRow | IdleRow | SlowRow | StartRow;

interface RowCommon {
  readonly id: string;
  readonly title: string;
  /** The figure to reach, by runtime; a row without one only tells. */
  readonly target?: Readonly<Record<RuntimeName, number>>;
}

/** A second baseline of a row, on these runtimes. */
export interface Beside {
  readonly program: string;
  readonly runtimes: readonly RuntimeName[];
  /** What the two baselines are, for the details. */
  readonly told: string;
  readonly first: string;
  /** Its name in the table, beside the ratio to it; told in the details only without one. */
  readonly shownAs?: string;
}

/** Throughput of `program` over that of `baseline`, under the same load, taken in turn. */
export interface EchoRow extends RowCommon {
  readonly kind: "echo";
  readonly program: string;
  /** `raw`, `raw_tls` and `by_hand` are those of the runtime's own sockets; `go`, `rust` and `haproxy` are no JavaScript. */
  readonly baseline: string;
  /** A second baseline, without a target. */
  readonly beside?: Beside;
  readonly load: EchoLoad;
  /** Judged by messages per second of the server's processor time rather than by messages per second. */
  readonly perProcessor?: boolean;
}

/** Resident memory of one idle connection, in kilobytes; the target may be over that of the raw server. */
export interface IdleRow extends RowCommon {
  readonly kind: "idle";
  readonly program: string;
  readonly baseline: string;
  readonly connections: number;
  /** Runtimes whose target is added to what the raw server takes. */
  readonly overRaw: readonly RuntimeName[];
}

/** Latency of honest peers beside peers that hold half a frame. */
export interface SlowRow extends RowCommon {
  readonly kind: "slow";
  readonly program: string;
  readonly honest: number;
  readonly slow: number;
}

/** Time until a program has imported the built package, or its server listens, over an empty script, in milliseconds. */
export interface StartRow extends RowCommon {
  readonly kind: "start";
  readonly until: "imported" | "listening";
}

/** Borrowing an idle connection from a pool and giving it back, in microseconds of processor time. */
export interface BorrowRow extends RowCommon {
  readonly kind: "borrow";
}

/**
 * The gateway: `stored`: messages a second into a stream over those of a plain client; `spooled`: with a spool over those
 * without; `outage`: megabytes that it grows by while the server is away for a minute; `latency`: a line to a service and back.
 */
export interface GatewayRow extends RowCommon {
  readonly kind: "gateway";
  readonly measure: "stored" | "spooled" | "outage" | "latency";
  readonly bus: "memory" | "nats" | "jetstream";
  readonly connections: number;
}

/** A framing without sockets, beside packages that do the same: the lowest ratio to the fastest of them at any size. */
export interface FramingRow extends RowCommon {
  readonly kind: "framing";
  readonly task: Task;
}

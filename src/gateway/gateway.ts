/** A running gateway as a program that started it sees it. `running_gateway.ts` is what implements it. */
import type { Clock } from "../core/time/clock.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { MillraceError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { Adapter } from "../core/transport.ts";
import type { ByteInput } from "../host/standard_input.ts";
import type { TextOutput } from "../host/standard_output.ts";
import type { MetricSample } from "../server/exposition.ts";
import type { ShutdownReport } from "../server/server_options.ts";
import type { Bus } from "./buses/bus.ts";
import type { GatewayEndpoint } from "./endpoint.ts";

/** What a gateway uses of its surroundings; everything has a default. */
export interface GatewayOptions {
  /** A bus of your own in the place of the configured one; it is left open at the end. */
  readonly bus?: Bus | undefined;
  /** Sockets. @default those of the runtime it runs on */
  readonly adapter?: Adapter | undefined;
  /** Where `print` and the stdio bus write. @default standard output */
  readonly output?: TextOutput | undefined;
  /** Where the stdio bus reads. @default standard input */
  readonly input?: ByteInput | undefined;
  /** Hears what the gateway has to say. @default JSON lines on standard error, from the configured level up */
  readonly logger?: Logger | undefined;
  /** Time for every limit, for tests. @default the system's */
  readonly clock?: Clock | undefined;
}

/** How a gateway ended. */
export interface GatewayReport {
  /** By endpoint: who was there, who finished, who was destroyed. */
  readonly endpoints: Readonly<Record<string, ShutdownReport>>;
  /** Connections that were destroyed at the deadline, all together. */
  readonly destroyed: number;
  /** Lines for standard output, of `print` or the stdio bus, that nobody had read when there was no more time. */
  readonly linesUnwritten: number;
  /** What ended it when nobody asked for it, such as a bus that is gone. */
  readonly failure: MillraceError | undefined;
  /** Milliseconds from the call that stopped it until all was closed. */
  readonly durationMs: number;
}

/** How far a gateway is: `running` → `draining` → `stopped`. */
export type GatewayState = "running" | "draining" | "stopped";

/** A running gateway, from `startGateway`. */
export interface Gateway extends AsyncDisposable {
  /** What carries the messages: yours, or the configured one, which closes with the gateway. */
  readonly bus: Bus;
  /** By name, in the order of the configuration. */
  readonly endpoints: ReadonlyMap<string, GatewayEndpoint>;
  /** Where the admin endpoint answers, such as `http://127.0.0.1:9464`; undefined without one. */
  readonly adminUrl: string | undefined;
  /** Resolves, never rejects, when everything is closed. */
  readonly finished: Promise<GatewayReport>;
  /** What it is doing. `draining` begins with the first call of `close` or `destroy`, or with a failure that ends it. */
  readonly state: GatewayState;

  /** Everything that is counted, as the admin endpoint shows it. */
  samples(): MetricSample[];

  /** Why it is not ready for traffic; empty when it is. */
  notReady(): readonly string[];

  /**
   * Drains: accepts no more, finishes the frames that are in, lets the bus take them and the replies come
   * back, closes. Idempotent: the first call decides. Never rejects for what connections do; throws `OptionsError`
   * for a deadline that is no duration. @default deadline as configured
   */
  close(options?: { readonly deadline?: DurationInput | undefined }): Promise<GatewayReport>;

  /** Destroys everything now, also in the middle of a drain. Idempotent. */
  destroy(): Promise<GatewayReport>;

  /** Drains within the configured deadline, at the end of `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

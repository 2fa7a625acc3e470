/** A running gateway as a program that started it sees it. `running_gateway.ts` is what implements it. */
import type { Clock } from "../core/time/clock.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { MillraceError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { Adapter } from "../core/transport.ts";
import type { ByteInput } from "../host/standard_input.ts";
import type { TextOutput } from "../host/standard_output.ts";
import type { MetricSample } from "../core/text/exposition.ts";
import type { ShutdownReport } from "../server/server_options.ts";
import type { CodecError } from "./codecs/codec_error.ts";
import type { Bus } from "./buses/bus.ts";
import type { CheckedConfig } from "./checked_config.ts";
import type { GatewayEndpoint } from "./endpoint.ts";
import type { GatewayReload } from "./reload/reload_report.ts";

/** Options of `startGateway`; everything has a default. */
export interface GatewayOptions {
  /** Your own bus instead of the configured one. The gateway does not close it. */
  readonly bus?: Bus | undefined;
  /** Sockets to use. @default those of this runtime */
  readonly adapter?: Adapter | undefined;
  /** Where `print` and the stdio bus write. @default standard output */
  readonly output?: TextOutput | undefined;
  /** Where the stdio bus reads. @default standard input */
  readonly input?: ByteInput | undefined;
  /** Receives log records. @default JSON lines on standard error, from the configured level up */
  readonly logger?: Logger | undefined;
  /**
   * Aborts the start, also while an endpoint waits to bind (`bindRetry`): what had begun is closed again, and
   * `startGateway` rejects with `SocketError` `aborted`. Without effect once it has started. @default none
   */
  readonly signal?: AbortSignal | undefined;
  /** Is told of each frame that a codec could not decode, and of each message that it could not encode. @default not set */
  readonly onCodecError?: ((error: CodecError) => void) | undefined;
  /** Clock for every limit, for tests. @default the system's */
  readonly clock?: Clock | undefined;
}

/** How a gateway stopped. */
export interface GatewayReport {
  /** By endpoint: connections that were open, drained and destroyed. */
  readonly endpoints: Readonly<Record<string, ShutdownReport>>;
  /** Connections destroyed at the deadline, on all endpoints. */
  readonly destroyed: number;
  /** Lines for standard output, of `print` or the stdio bus, that were not read in time. */
  readonly linesUnwritten: number;
  /** Frames that stay on disk, in the spools of all endpoints, until the next start. */
  readonly framesSpooled: number;
  /** What stopped it other than `close` or `destroy`, such as a broken bus. */
  readonly failure: MillraceError | undefined;
  /** Milliseconds from the call that stopped it until everything was closed. */
  readonly durationMs: number;
}

/** State of a gateway: `running` → `draining` → `stopped`. */
export type GatewayState = "running" | "draining" | "stopped";

/** A running gateway, from `startGateway`. */
export interface Gateway extends AsyncDisposable {
  /** The bus: yours, or the configured one, which closes with the gateway. */
  readonly bus: Bus;
  /** Endpoints by name, in the order of the configuration. */
  readonly endpoints: ReadonlyMap<string, GatewayEndpoint>;
  /** URL of the admin endpoint, such as `http://127.0.0.1:9464`; undefined without one. */
  readonly adminUrl: string | undefined;
  /** Resolves, and never rejects, when everything is closed. */
  readonly finished: Promise<GatewayReport>;
  /** Its state. `draining` begins with the first call of `close` or `destroy`, or with an error that stops it. */
  readonly state: GatewayState;

  /** All metrics, as the admin endpoint shows them. */
  samples(): MetricSample[];

  /** Why it is not ready for traffic; empty if it is. */
  notReady(): readonly string[];

  /**
   * Puts another configuration in force: endpoints are added, removed and changed, and the others are not touched. Calls are carried out one after the other.
   *
   * @throws {ConfigError} rejects for a configuration that was not checked; other faults are in the report
   * @throws {SocketError} rejects with `closed` when the gateway is stopping
   */
  reload(config: CheckedConfig): Promise<GatewayReload>;

  /**
   * Drains: stops accepting, finishes the frames that were received, lets the bus process them and the replies
   * return, and closes. Idempotent: the first call decides. Never rejects because of connections. @default deadline
   * as configured
   *
   * @throws {OptionsError} for a deadline that is not a duration
   */
  close(options?: { readonly deadline?: DurationInput | undefined }): Promise<GatewayReport>;

  /** Destroys everything at once, even during a drain. Idempotent. */
  destroy(): Promise<GatewayReport>;

  /** At the end of `await using`: drains within the configured deadline. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * `millrace/gateway`: the gateway as a library, with the in-process bus as its interface to your program.
 *
 * @example Frames of a TCP endpoint as messages
 * ```ts
 * import { checkConfig, ConfigError, memoryBus, startGateway } from "@millrace/millrace/gateway";
 *
 * const bus = memoryBus();
 * const endpoint = { name: "meters", listen: "127.0.0.1:3034", framing: "lines" };
 * const result = checkConfig({ endpoints: [endpoint] });
 * if (!result.ok) throw new ConfigError(result.faults);
 * const gateway = await startGateway(result.config, { bus });
 * bus.subscribe("millrace.meters.in", (message) => console.log(message.metadata["conn.id"], message.payload));
 * await gateway.finished;
 * ```
 *
 * @module
 */
export {
  checkConfig,
  type CheckedConfig,
  type ConfigCheck,
  loadConfig,
  parseConfig,
  type ParseConfigOptions,
  startGateway,
} from "./library.ts";
export type { ConfigFault } from "./config/fault.ts";
export type { ConfigFormat } from "./config/source.ts";
export type { Gateway, GatewayOptions, GatewayReport, GatewayState } from "./gateway.ts";
export type { GatewayReload } from "./reload/reload_report.ts";
export type { FrameConnection, GatewayEndpoint, TrafficStats } from "./endpoint.ts";
export { memoryBus, type MemoryBusOptions } from "./buses/memory_bus.ts";
export type {
  Bus,
  BusHandler,
  BusMessage,
  BusStats,
  BusSubscription,
  PublishObserver,
  QueuePolicy,
  SubscribeOptions,
} from "./buses/bus.ts";
export type {
  Codec,
  CodecFactory,
  DecodeContext,
  Decoded,
  DecodedFacts,
  EncodeContext,
} from "./codecs/codec.ts";
export { CodecError, type CodecErrorReason } from "./codecs/codec_error.ts";
export type { PayloadEncoding } from "./payload.ts";
export { BusError, type BusErrorReason, ConfigError, SpoolError, type SpoolErrorReason } from "./errors.ts";
export type { SpoolStats } from "./spool/spool.ts";
export type { TextOutput } from "../host/standard_output.ts";
export type { ByteInput } from "../host/standard_input.ts";
export type { MetricSample } from "../core/text/exposition.ts";

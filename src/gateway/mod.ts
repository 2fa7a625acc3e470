/**
 * The gateway as a library: the same program inside yours, with the in-process bus in your hands.
 *
 * @example Frames of a TCP endpoint as messages, and an answer
 * ```ts
 * import { checkConfig, memoryBus, startGateway } from "@millrace/millrace/gateway";
 *
 * const bus = memoryBus();
 * const endpoint = { name: "meters", listen: "127.0.0.1:3034", framing: "lines" };
 * const result = checkConfig({ endpoints: [endpoint] });
 * if (!result.ok) throw new Error(JSON.stringify(result.faults));
 * const gateway = await startGateway(result.config, { bus });
 * bus.subscribe("millrace.meters.in", (message) => console.log(message.metadata["conn.id"], message.payload));
 * await gateway.finished;
 * ```
 *
 * @module
 */
export {
  Gateway,
  type GatewayOptions,
  type GatewayReport,
  type GatewayState,
  startGateway,
} from "./gateway.ts";
export {
  type BusConfig,
  checkConfig,
  type ConfigResult,
  type GatewayConfig,
  loadConfig,
  type LogLevel,
  parseConfig,
} from "./config/config.ts";
export { memoryBus, type MemoryBusOptions } from "./buses/memory_bus.ts";
export type {
  Bus,
  BusHandler,
  BusMessage,
  BusStats,
  BusSubscription,
  QueuePolicy,
  SubscribeOptions,
} from "./buses/bus.ts";
export { BusError, type BusErrorReason, ConfigError } from "./errors.ts";

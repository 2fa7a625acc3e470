/**
 * The bus that a configuration asks for.
 *
 * Called by `running_gateway.ts`. What needs a server is loaded by those who have one.
 */
import type { Clock } from "../core/time/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { BusContext } from "./bus_types/bus_type.ts";
import { type BusTypeName, busTypes } from "./bus_types/bus_types.ts";
import type { Bus } from "./buses/bus.ts";
import type { BusConfig } from "./config/bus_config.ts";
import type { GatewayConfig } from "./config/config.ts";
import type { EndpointConfig } from "./config/endpoint_config.ts";
import { BusError } from "./errors.ts";
import type { GatewayOptions } from "./gateway.ts";
import { fillSubject } from "./traffic/subject_template.ts";

/** Rejects with `BusError` where a server or its stream cannot be had. */
export async function makeBus(
  { bus: config, endpoints, node }: GatewayConfig,
  { output, input }: GatewayOptions,
  clock: Clock,
  log: Logger,
): Promise<Bus> {
  const onHandlerError = (error: unknown, message: { readonly subject: string }): void => {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    log({
      level: "error",
      message: "message handler failed",
      fields: { subject: message.subject, error: text },
    });
  };
  const bus = await make(config, { output, input, clock, log, onHandlerError });
  const fault = unstored(bus, config, endpoints, node);
  if (fault === undefined) return bus;
  await bus.close();
  throw fault;
}

/** Which of them has frames that a bus which stores would not store as it should. */
export function unstored<Name extends BusTypeName>(
  bus: Bus,
  { type, settings }: Pick<BusConfig<Name>, "type" | "settings">,
  endpoints: readonly EndpointConfig[],
  node: string,
): BusError | undefined {
  const { covering, streamOf } = busTypes[type];
  if (covering === undefined || bus.stores === undefined) return undefined;
  for (const { name, subjects: { ingress } } of endpoints) {
    const known = { endpoint: name, node };
    const subject = fillSubject(ingress, known);
    if (!bus.stores(subject)) {
      const text =
        `endpoint ${name}: the stream does not cover ${ingress}, so its frames would not be stored; ` +
        `add it to ${covering}, or change subjects.ingress`;
      return new BusError("rejected", text);
    }
    // Whatever else a place stands for: what a peer is must not be the name of a stream.
    const other = fillSubject(ingress.replaceAll(/\{(?!endpoint\}|node\})[^{}]*\}/g, "other"), known);
    if (streamOf?.(settings, subject) === streamOf?.(settings, other)) continue;
    const text =
      `endpoint ${name}: ${ingress} makes a stream for each connection, and none of them would ever end; ` +
      `end the pattern in ${covering} with ">" before that place`;
    return new BusError("rejected", text);
  }
  return undefined;
}

function make<Name extends BusTypeName>(
  { type, settings }: BusConfig<Name>,
  context: BusContext,
): Promise<Bus> {
  return busTypes[type].make(settings, context);
}

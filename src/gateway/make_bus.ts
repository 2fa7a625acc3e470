/**
 * The bus that a configuration asks for.
 *
 * Called by `running_gateway.ts`. What needs a server is loaded by those who have one.
 */
import type { Clock } from "../core/time/clock.ts";
import type { Logger } from "../core/logger.ts";
import { readTextFile } from "../host/process.ts";
import { standardInput } from "../host/standard_input.ts";
import { standardOutput } from "../host/standard_output.ts";
import type { Bus } from "./buses/bus.ts";
import { memoryBus } from "./buses/memory_bus.ts";
import type { NatsOptions } from "./buses/nats/nats_options.ts";
import { stdioBus } from "./buses/stdio_bus.ts";
import type { NatsConfig } from "./config/bus_config.ts";
import type { GatewayConfig } from "./config/config.ts";
import { BusError } from "./errors.ts";
import type { GatewayOptions } from "./gateway.ts";
import { Sparingly } from "./log.ts";
import { fillSubject } from "./traffic/subject_template.ts";

/** Rejects with `BusError` where a server or its stream cannot be had. */
export async function makeBus(
  { bus: { type, nats, stream }, endpoints, node }: GatewayConfig,
  options: GatewayOptions,
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
  if (type === "memory") return memoryBus({ clock, onHandlerError });
  if (type === "stdio") {
    const { output = standardOutput(), input = standardInput() } = options;
    const sparingly = new Sparingly(log);
    const onRefused = (reason: string): void => sparingly.warn("line of input skipped", { error: reason });
    return stdioBus({ output, input, clock, onHandlerError, onRefused });
  }
  const server = { ...await withFiles(nats!), clock, onHandlerError, logger: log };
  if (type === "nats") return await (await import("./buses/nats/nats_bus.ts")).natsBus(server);
  const { jetStreamBus } = await import("./buses/nats/jetstream_bus.ts");
  const bus = await jetStreamBus({ ...server, ...stream });
  for (const { name, subjects } of endpoints) {
    const subject = fillSubject(subjects.ingress, { endpoint: name, node });
    if (bus.stores!(subject)) continue;
    await bus.close();
    const text =
      `endpoint ${name}: the stream does not cover ${subjects.ingress}, so its frames would not be stored; ` +
      "add it to the subjects of the stream (nats stream edit), or change subjects.ingress";
    throw new BusError("rejected", text);
  }
  return bus;
}

/** With the texts in the place of paths. */
async function withFiles({ credentials, tls, ...rest }: NatsConfig): Promise<NatsOptions> {
  const read = async (path: string | undefined) => path === undefined ? undefined : await readTextFile(path);
  return {
    ...rest,
    credentials: await read(credentials),
    tls: tls === undefined || tls === true
      ? tls
      : { ca: await read(tls.ca), cert: await read(tls.cert), key: await read(tls.key) },
  };
}

/**
 * The way in for programs that run a gateway of their own: a configuration goes through the check, and only one
 * that has passed can be started.
 *
 * What `mod.ts` shows of configurations and of the start; the command line works on `config/` itself.
 */
import {
  checkConfig as check,
  type ConfigResult,
  loadConfig as load,
  parseConfig as parse,
} from "./config/config.ts";
import { CheckedConfig, notChecked, openConfig, sealConfig } from "./checked_config.ts";
import type { ConfigFault } from "./config/fault.ts";
import type { ConfigFormat } from "./config/source.ts";
import type { Gateway, GatewayOptions } from "./gateway.ts";
import { startGateway as start } from "./running_gateway.ts";

export { CheckedConfig };

/** A checked configuration, or everything that is wrong with it. */
export type ConfigCheck =
  | {
    readonly ok: true;
    /** The configuration for `startGateway`; may be used several times. */
    readonly config: CheckedConfig;
  }
  | {
    readonly ok: false;
    /** All faults, in the order of the text if it is known; one or more. */
    readonly faults: readonly ConfigFault[];
    /** Where the text came from, such as a file name; undefined for a value passed by code. */
    readonly source: string | undefined;
  };

/** Options of `parseConfig`. */
export interface ParseConfigOptions {
  /** Format of the text. */
  readonly format: ConfigFormat;
  /** Name of the text in messages. @default none */
  readonly source?: string | undefined;
  /** Folder for relative paths. @default that of the process */
  readonly folder?: string | undefined;
}

/**
 * Reads and checks a file. Its name decides the format: `.yaml`, `.yml`, `.json`, `.toml`. Paths in it are relative
 * to its folder. Never rejects: a file that cannot be read is a fault too.
 *
 * @example
 * ```ts
 * import { loadConfig } from "@millrace/millrace/gateway";
 *
 * const result = await loadConfig("no/such/gateway.yaml");
 * console.log(result.ok); // false
 * if (!result.ok) { for (const { path, expected } of result.faults) console.error(path, expected); }
 * ```
 */
export async function loadConfig(path: string): Promise<ConfigCheck> {
  return result(await load(path));
}

/**
 * Checks a text. Never throws: the result has everything that is wrong.
 *
 * @example
 * ```ts
 * import { parseConfig } from "@millrace/millrace/gateway";
 *
 * const text = `
 * endpoints:
 *   - name: meters
 *     listen: 127.0.0.1:3034
 *     framing: lines
 * `;
 * const result = parseConfig(text, { format: "yaml" });
 * if (result.ok) console.log(result.config.endpoints.join()); // meters
 * ```
 */
export function parseConfig(text: string, options: ParseConfigOptions): ConfigCheck {
  return result(parse(text, options));
}

/**
 * Checks a value of plain objects and arrays, like parsed JSON. Never throws.
 *
 * @example
 * ```ts
 * import { checkConfig } from "@millrace/millrace/gateway";
 *
 * const result = checkConfig({ endpoints: [{ name: "meters", listen: 3034, framin: "lines" }] });
 * if (!result.ok) console.log(result.faults[0]?.path); // endpoints[0].framin
 * ```
 */
export function checkConfig(value: unknown): ConfigCheck {
  return result(check(value));
}

/**
 * Starts a gateway and resolves when every endpoint listens; one that connects need not be connected yet.
 *
 * @example Frames of a TCP endpoint as messages, and an answer to each
 * ```ts
 * import { connect, lines } from "@millrace/millrace";
 * import { checkConfig, ConfigError, memoryBus, startGateway } from "@millrace/millrace/gateway";
 *
 * const bus = memoryBus();
 * bus.subscribe("millrace.meters.in", ({ payload, reply }) => {
 *   if (reply !== undefined) void bus.publish({ subject: reply, payload, metadata: {} });
 * });
 * const result = checkConfig({ endpoints: [{ name: "meters", listen: "127.0.0.1:0", framing: "lines" }] });
 * if (!result.ok) throw new ConfigError(result.faults);
 * const gateway = await startGateway(result.config, { bus });
 *
 * const address = gateway.endpoints.get("meters")!.address!;
 * if (address.transport === "tcp") {
 *   const connection = await connect({ port: address.port, framing: lines({ encoding: "utf-8" }) });
 *   await connection.send("21.5");
 *   for await (const line of connection) {
 *     console.log(line); // 21.5
 *     break;
 *   }
 *   await connection.close();
 * }
 * await gateway.close();
 * ```
 *
 * @throws {ConfigError} before any socket opens, for what this runtime's sockets cannot do and for files that cannot be used
 * @throws {SocketError} when an address cannot be bound, after everything that had begun is closed again
 */
export async function startGateway(config: CheckedConfig, options: GatewayOptions = {}): Promise<Gateway> {
  if (!(config instanceof CheckedConfig)) throw notChecked(config);
  return await start(openConfig(config), options);
}

function result(checked: ConfigResult): ConfigCheck {
  return checked.ok ? { ok: true, config: sealConfig(checked.config) } : checked;
}

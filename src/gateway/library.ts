/**
 * The way in for programs that run a gateway of their own: a configuration goes through the check, and only one
 * that has passed can be started.
 *
 * What `mod.ts` shows of configurations and of the start; the command line works on `config/` itself.
 */
import {
  checkConfig as check,
  type ConfigResult,
  type GatewayConfig,
  loadConfig as load,
  parseConfig as parse,
} from "./config/config.ts";
import type { ConfigFault } from "./config/fault.ts";
import type { ConfigFormat } from "./config/source.ts";
import { ConfigError } from "./errors.ts";
import type { Gateway, GatewayOptions } from "./gateway.ts";
import { startGateway as start } from "./running_gateway.ts";

let seal: (config: GatewayConfig) => CheckedConfig;
let open: (checked: CheckedConfig) => GatewayConfig;

/** A configuration without faults, for {@linkcode startGateway}. Only the check makes one. */
export class CheckedConfig {
  readonly #config: GatewayConfig;

  private constructor(config: GatewayConfig) {
    this.#config = config;
  }

  static {
    seal = (config) => new CheckedConfig(config);
    open = (checked) => checked.#config;
  }

  /** Names of the endpoints, in their order. */
  get endpoints(): readonly string[] {
    return this.#config.endpoints.map(({ name }) => name);
  }
}

/** A configuration, or everything that is wrong with it. */
export type ConfigCheck =
  | {
    readonly ok: true;
    /** What `startGateway` takes, any number of times. */
    readonly config: CheckedConfig;
  }
  | {
    readonly ok: false;
    /** All of them, in the order of the text where it is known; one or more. */
    readonly faults: readonly ConfigFault[];
    /** Where the text came from, such as a file name; undefined for a value given by code. */
    readonly source: string | undefined;
  };

/** What the check of a text should know of it. */
export interface ParseConfigOptions {
  /** How the text is written. */
  readonly format: ConfigFormat;
  /** What messages call it. @default none */
  readonly source?: string | undefined;
  /** Where relative paths in it start. @default that of the process */
  readonly folder?: string | undefined;
}

/**
 * Reads and checks a file. The format is that of its name: `.yaml`, `.yml`, `.json`, `.toml`. Relative paths in it
 * start at its folder. Never rejects: a file that cannot be read is a fault too.
 */
export async function loadConfig(path: string): Promise<ConfigCheck> {
  return result(await load(path));
}

/** Checks a text. Never throws. */
export function parseConfig(text: string, options: ParseConfigOptions): ConfigCheck {
  return result(parse(text, options));
}

/** Checks a value of plain objects and arrays, as a file of JSON would hold. Never throws. */
export function checkConfig(value: unknown): ConfigCheck {
  return result(check(value));
}

/**
 * Starts a gateway and resolves when every endpoint listens; one that dials need not be connected yet.
 *
 * Rejects with `ConfigError` for what this runtime's sockets cannot do and for files that are not in order, before
 * any socket opens, and with `SocketError` when an address cannot be bound, after everything that had begun is
 * closed again.
 */
export async function startGateway(config: CheckedConfig, options: GatewayOptions = {}): Promise<Gateway> {
  if (!(config instanceof CheckedConfig)) {
    const expected = "the config that checkConfig, parseConfig or loadConfig gives for one without faults";
    throw new ConfigError([{ path: "", found: config, expected }]);
  }
  return await start(open(config), options);
}

function result(checked: ConfigResult): ConfigCheck {
  return checked.ok ? { ok: true, config: seal(checked.config) } : checked;
}

/** A configuration that has passed the check, as programs hold it: only the library makes one, and looks into it. */
import type { GatewayConfig } from "./config/config.ts";
import { ConfigError } from "./errors.ts";

/** For what has passed the check. */
export let sealConfig: (config: GatewayConfig) => CheckedConfig;
/** What is behind it. */
export let openConfig: (checked: CheckedConfig) => GatewayConfig;

/**
 * A configuration without faults, for {@linkcode startGateway}. Only {@linkcode checkConfig}, {@linkcode parseConfig} and
 * {@linkcode loadConfig} make one.
 *
 * @example
 * ```ts
 * import { checkConfig, type CheckedConfig, ConfigError } from "@millrace/millrace/gateway";
 *
 * function checked(value: unknown): CheckedConfig {
 *   const result = checkConfig(value);
 *   if (!result.ok) throw new ConfigError(result.faults);
 *   return result.config;
 * }
 * console.log(checked({ endpoints: [{ name: "meters", listen: 3034 }] }).endpoints.join()); // meters
 * ```
 */
export class CheckedConfig {
  readonly #config: GatewayConfig;

  private constructor(config: GatewayConfig) {
    this.#config = config;
  }

  static {
    sealConfig = (config) => new CheckedConfig(config);
    openConfig = (checked) => checked.#config;
  }

  /** Names of the endpoints, in their order. */
  get endpoints(): readonly string[] {
    return this.#config.endpoints.map(({ name }) => name);
  }
}

/** For what was made in another way. */
export function notChecked(found: unknown): ConfigError {
  const expected = "the config from checkConfig, parseConfig or loadConfig";
  return new ConfigError([{ path: "", found, expected }]);
}

/** What a configuration says of the identity of an endpoint's devices. Read by `config/identity.ts`. */
import type { IdentityRule } from "./identity_rule.ts";

/** The key `identity` of an endpoint. */
export interface IdentityConfig {
  readonly rule: IdentityRule;
  /** Where it is looked for: in the first frame, or in each until it is found. */
  readonly frame: "first" | "any";
  /** A connection that does not say who it is, is closed. */
  readonly required: boolean;
  /** How long a connection may take to say it, in ms; with `required`. */
  readonly timeout: number;
  /** The longest identity, in characters. */
  readonly maxLength: number;
  /** Which connection stays when one comes with the identity of another. */
  readonly onDuplicate: "newest" | "oldest" | "both";
  /** What becomes of a message for a device that is not here. */
  readonly unknown: "deadLetter" | "ignore";
}

/**
 * `millrace/effect` runs on the Effect that its user has installed, which npm lets be of any version, since everything
 * else in this package works beside all of them.
 */
import * as Effect from "effect/Effect";

/** Throws, with what to install, for an Effect older than version 4, which has `callback` under another name. */
export function checkEffectVersion(): void {
  if (typeof Effect.callback === "function") return;
  throw new Error(
    "use millrace/effect: the installed package effect is older than version 4; install effect@4, or import " +
      "millrace, which needs no Effect",
  );
}

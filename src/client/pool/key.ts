/** The key that chooses a target, where one does. */
import { OptionsError } from "../../core/errors.ts";
import type { Balance } from "./targets_options.ts";

/** Throws `OptionsError` for a key that is missing, and for one that nobody asks for. */
export function checkKey(balance: Balance, key: string | undefined): string {
  const wanted = balance === "rendezvous";
  if (wanted ? typeof key === "string" : key === undefined) return key ?? "";
  const expected = wanted ? "a text, with balance rendezvous" : `to be left out, with balance ${balance}`;
  throw new OptionsError(wanted ? "invalid" : "conflict", [{ path: "key", found: key, expected }]);
}

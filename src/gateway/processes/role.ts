/** Who serves: this process by itself, one that may be taken over from, or one of several. What it says of it, and to whom. */
import { membership, tellReady } from "../../host/member.ts";
import { say, type Shell } from "../cli/shell.ts";

/** How many connections were drained and destroyed, and what else is to be known of a process that ends. */
export interface LastReport {
  readonly drained: number;
  readonly destroyed: number;
  readonly samples?: unknown;
}

/** Called when everything listens, with what a person wants to know; what it returns is called at the end. */
export type Served = (
  banner: string,
  answer?: (what: string) => unknown,
) => (report?: LastReport) => void;

/** Says it to a person. */
export function alone(shell: Shell): Served {
  return (banner) => {
    say(shell, banner);
    return () => {};
  };
}

/** Says it to the process that has started this one; of several, only that tells a person. */
export function started(shell: Shell): Served {
  return (banner, answer) => {
    if (membership()?.number !== undefined) return tellReady({ banner }, answer);
    say(shell, banner);
    return tellReady();
  };
}

/**
 * What a command sees of the world: arguments in, text out, bytes in, and whether somebody wants it to stop.
 *
 * Made by `main.ts` from the host; tests make their own.
 */
import type { TextOutput } from "../../host.ts";
import type { SignalName } from "../../host/signals.ts";
import type { ByteInput } from "../../host/standard_input.ts";

/** The streams and the stop signals of one run of the program. */
export interface Shell {
  readonly output: TextOutput;
  readonly errors: TextOutput;
  readonly input: () => ByteInput;
  readonly inputIsTerminal: () => boolean;
  readonly stop: Stop;
}

/** Whether the program was told to stop. */
export interface Stop {
  /** Aborted by the first signal: finish what is going on. The reason is the signal's name. */
  readonly soft: AbortSignal;
  /** Aborted by the second signal: now. */
  readonly hard: AbortSignal;
}

/** The two steps of stopping, as the one who hears signals drives them. */
export class StopSteps implements Stop {
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();

  get soft(): AbortSignal {
    return this.#soft.signal;
  }

  get hard(): AbortSignal {
    return this.#hard.signal;
  }

  /** Takes one step further; false when there was none left. */
  next(name: SignalName): boolean {
    if (!this.soft.aborted) this.#soft.abort(name);
    else if (!this.hard.aborted) this.#hard.abort(name);
    else return false;
    return true;
  }
}

/** Resolves with the signal's name when it is aborted. */
export function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const told = (): void => resolve(String(signal.reason));
    if (signal.aborted) told();
    else signal.addEventListener("abort", told, { once: true });
  });
}

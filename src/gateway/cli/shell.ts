/**
 * What a command sees of the world: arguments in, text out, bytes in, and whether it should stop.
 *
 * Made by `main.ts` from the host; tests make their own.
 */
import { systemClock } from "../../core/time/clock.ts";
import type { TextOutput } from "../../host/standard_output.ts";
import type { ByteOutput } from "../../host/standard_output.ts";
import type { SignalName } from "../../host/signals.ts";
import { CommandFailure, signalExitCode } from "./failure.ts";
import type { ByteInput } from "../../host/standard_input.ts";

/** The streams and the stop signals of one run of the program. */
export interface Shell {
  readonly output: ByteOutput;
  readonly errors: TextOutput;
  readonly input: () => ByteInput;
  readonly inputIsTerminal: () => boolean;
  readonly stop: Stop;
}

/** Whether the program was told to stop. */
interface Stop {
  /** Aborted by the first signal: finish what is going on. The reason is the signal's name. */
  readonly soft: AbortSignal;
  /** Aborted by the second signal: now. */
  readonly hard: AbortSignal;
  /** What a hang-up does in the place of the first signal. */
  onHangup: (() => void) | undefined;
}

/** The two steps of stopping, as the one who hears signals drives them. */
export class StopSteps implements Stop {
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();
  onHangup: (() => void) | undefined = undefined;

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

/** How long output that nobody reads may hold up the end of a program. */
const lastWordsMs = 2_000;

/** Says something to a person without waiting until it is read: a full pipe must not prevent stopping. */
export function say(shell: Pick<Shell, "errors">, text: string): void {
  void shell.errors.write(text);
}

/** Prints a result, and waits until it is read. A signal ends the wait with the exit code for it. */
export async function print(shell: Shell, text: string): Promise<void> {
  const read = shell.output.write(text);
  if (read === undefined) return;
  if (shell.stop.soft.aborted) return void await lastWords(read, shell.stop);
  const stopped = aborted(shell.stop.soft).then((name) => name as SignalName);
  const name = await Promise.race([read, stopped]);
  if (name !== undefined) {
    throw new CommandFailure(signalExitCode(name), "stopped before the output was read");
  }
}

/** Waits for the last words of a program that stops: for a while, or until the second signal. False when some are left. */
export function lastWords(written: Promise<unknown>, stop: Stop): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = systemClock.setTimer(() => resolve(false), lastWordsMs);
    const over = (all: boolean) => (): void => {
      systemClock.clearTimer(timer);
      resolve(all);
    };
    written.then(over(true), over(true));
    void aborted(stop.hard).then(over(false));
  });
}

/** Resolves with the signal's name when it is aborted. */
export function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const told = (): void => resolve(String(signal.reason));
    if (signal.aborted) told();
    else signal.addEventListener("abort", told, { once: true });
  });
}

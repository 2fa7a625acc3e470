/**
 * Lines of a log to an output whose reader may be slow or gone.
 *
 * Used by the loggers of servers and of the gateway. Knows nothing of what a line says.
 */
import type { TextOutput } from "./standard_output.ts";

/** Characters that may wait for a slow reader of standard error; beyond, lines are counted, not kept. */
const mostWaiting = 256 * 1024;

/**
 * Lines to a text output that never wait, and never gather without bound: while the output is stuck they are left out
 * and counted, which is told as soon as there is room again.
 */
export class LossyLines {
  readonly #output: TextOutput;
  readonly #missedLine: (count: number) => string;
  #waiting = 0;
  #missed = 0;

  /** `missedLine` makes the line that tells of those that were left out. */
  constructor(output: TextOutput, missedLine: (count: number) => string) {
    this.#output = output;
    this.#missedLine = missedLine;
  }

  /** Takes one line, with its line end. */
  write(line: string): void {
    if (this.#waiting > mostWaiting) this.#missed++;
    else this.#pass(line);
  }

  #pass(line: string): void {
    const wait = this.#output.write(line);
    if (wait === undefined) return;
    this.#waiting += line.length;
    const done = (): void => {
      this.#waiting -= line.length;
      if (this.#waiting > 0 || this.#missed === 0) return;
      const missed = this.#missed;
      this.#missed = 0;
      this.#pass(this.#missedLine(missed));
    };
    // Where nobody reads any more there is nobody to tell.
    wait.then(done, () => this.#waiting -= line.length);
  }
}

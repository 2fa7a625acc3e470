/** One line that moves: a bar on a terminal, nothing elsewhere. */
import type { TextOutput } from "../../host/standard_output.ts";

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of `width` characters, filled to `part` (0 to 1) in steps of an eighth. */
export function drawBar(part: number, width: number): string {
  const steps = Math.round(Math.min(1, Math.max(0, part)) * width * 8);
  const whole = Math.floor(steps / 8);
  return "█".repeat(whole) + eighths[steps % 8]!;
}

/** Draws over itself while a person is looking. */
export class ProgressBar {
  readonly #output: TextOutput;
  readonly #shown: boolean;
  #drawn = false;
  #waiting = false;

  constructor(output: TextOutput, wanted: boolean) {
    this.#output = output;
    this.#shown = wanted && output.isTerminal;
  }

  /** Shows how far it is, and a few words. */
  update(part: number, words: string): void {
    // A terminal that stands still gets no more of them.
    if (!this.#shown || this.#waiting) return;
    const width = Math.max(10, Math.min(40, (this.#output.columns ?? 80) - words.length - 6));
    const bar = drawBar(part, width).padEnd(width, "·");
    this.#drawn = true;
    const line = `\r\x1b[2K${bar} ${words}`.slice(0, 9 + (this.#output.columns ?? 80));
    const wait = this.#output.write(line);
    if (wait === undefined) return;
    this.#waiting = true;
    const done = (): void => void (this.#waiting = false);
    wait.then(done, done);
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#drawn) void this.#output.write("\r\x1b[2K");
    this.#drawn = false;
  }
}

/**
 * Lines to a text output: gathered, written together, held back when the reader is slow.
 *
 * Used by the stdio bus and by the printing of frames. Knows nothing of what a line says.
 */
import { type Deferred, deferred, refused } from "../core/deferred.ts";
import type { Clock } from "../core/time/clock.ts";
import type { MillraceError } from "../core/errors.ts";
import { socketErrorFrom } from "../core/errors.ts";
import type { TextOutput } from "../host/standard_output.ts";

/** Characters gathered before they are written without waiting for the end of the turn. */
const writeFrom = 32 * 1024;
/** Characters that may wait for a slow reader before writers are asked to wait too. */
const holdFrom = 256 * 1024;

/** Writes whole lines. After the output broke, every write rejects. */
export class LineWriter {
  /** Lines accepted. */
  linesWritten = 0;

  readonly #output: TextOutput;
  readonly #clock: Clock;
  readonly #broke: (error: MillraceError) => void;
  #text = "";
  /** Lines in `#text`, and lines that the output was given and has not taken yet. */
  #gathered = 0;
  #given = 0;
  #planned = false;
  #busy: Promise<void> | undefined = undefined;
  #room: Deferred | undefined = undefined;
  #broken: MillraceError | undefined = undefined;

  /** `broke` hears once that nobody reads any more. */
  constructor(output: TextOutput, clock: Clock, broke: (error: MillraceError) => void) {
    this.#output = output;
    this.#clock = clock;
    this.#broke = broke;
  }

  /** Lines accepted that have not gone out so far; none once the output broke, which was told. */
  get linesUnwritten(): number {
    return this.#gathered + this.#given;
  }

  /** Takes one line, with its line end. A promise means: wait before writing more. */
  write(line: string): void | Promise<void> {
    if (this.#broken !== undefined) return refused(this.#broken);
    this.linesWritten++;
    this.#gathered++;
    this.#text += line;
    if (this.#busy === undefined) {
      if (this.#text.length >= writeFrom) this.#push();
      else if (!this.#planned) {
        this.#planned = true;
        this.#clock.endOfTurn(this.#endTurn);
      }
    }
    if (this.#text.length > holdFrom) return (this.#room ??= deferred()).promise;
  }

  /** Resolves when everything written so far is out, or cannot get out any more. */
  async flush(): Promise<void> {
    this.#push();
    while (this.#busy !== undefined) await this.#busy;
  }

  readonly #endTurn = (): void => {
    this.#planned = false;
    this.#push();
  };

  #push(): void {
    while (this.#busy === undefined && this.#text !== "" && this.#broken === undefined) {
      const text = this.#text;
      this.#text = "";
      this.#given = this.#gathered;
      this.#gathered = 0;
      const wait = this.#output.write(text);
      if (wait === undefined) {
        this.#given = 0;
        continue;
      }
      this.#busy = wait.then(this.#resume, (cause: unknown) => {
        this.#fail(socketErrorFrom(cause, "write lines"));
      });
    }
  }

  readonly #resume = (): void => {
    this.#busy = undefined;
    this.#given = 0;
    this.#push();
    if (this.#text.length > holdFrom / 2) return;
    this.#room?.resolve();
    this.#room = undefined;
  };

  #fail(error: MillraceError): void {
    this.#busy = undefined;
    this.#broken = error;
    this.#text = "";
    this.#gathered = this.#given = 0;
    this.#room?.resolve();
    this.#room = undefined;
    this.#broke(error);
  }
}

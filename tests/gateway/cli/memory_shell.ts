// A shell without a process: what a command writes is text to look at, what it reads is given.
import { type Shell, StopSteps } from "../../../src/gateway/cli/shell.ts";
import type { TextOutput } from "../../../src/host.ts";

/** An output that keeps what was written. */
export class TextSink implements TextOutput {
  text = "";
  readonly isTerminal: boolean;
  readonly columns: number | undefined;
  constructor(columns?: number) {
    this.columns = columns;
    this.isTerminal = columns !== undefined;
  }
  write(text: string): void {
    this.text += text;
  }
}

/** A shell whose outputs can be read. */
export interface MemoryShell extends Shell {
  readonly output: TextSink;
  readonly errors: TextSink;
  readonly stop: StopSteps;
}

/** A shell that gives this as standard input, and has a terminal of that many columns. */
export function memoryShell(input = "", columns?: number): MemoryShell {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    await Promise.resolve();
    yield new TextEncoder().encode(input);
  }
  return {
    output: new TextSink(columns),
    errors: new TextSink(columns),
    input: chunks,
    inputIsTerminal: () => false,
    stop: new StopSteps(),
  };
}

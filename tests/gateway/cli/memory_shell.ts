// A shell without a process: what a command writes is text to look at, what it reads is given.
import { type Shell, StopSteps } from "../../../src/gateway/cli/shell.ts";
import type { ByteOutput } from "../../../src/host/standard_output.ts";

/** An output that keeps what was written. */
export class TextSink implements ByteOutput {
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
  writeBytes(bytes: Uint8Array): void {
    this.text += new TextDecoder().decode(bytes);
  }
  flush(): Promise<void> {
    return Promise.resolve();
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

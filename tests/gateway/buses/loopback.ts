// A worker that sends every line back: what the stdio bus writes is what it reads.
import type { ByteInput } from "../../../src/host/standard_input.ts";
import type { TextOutput } from "../../../src/host/standard_output.ts";

export function loopback(): { readonly output: TextOutput; readonly input: ByteInput } {
  const encoder = new TextEncoder();
  const chunks: Uint8Array[] = [];
  let wake: () => void = () => {};
  let over = false;
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    while (chunks.length === 0 && !over) await new Promise<void>((resolve) => wake = resolve);
    return over ? { done: true, value: undefined } : { done: false, value: chunks.shift()! };
  };
  const end = (): Promise<IteratorResult<Uint8Array>> => {
    over = true;
    wake();
    return Promise.resolve({ done: true, value: undefined });
  };
  return {
    output: {
      isTerminal: false,
      columns: undefined,
      write(text) {
        chunks.push(encoder.encode(text));
        wake();
      },
    },
    input: { [Symbol.asyncIterator]: () => ({ next, return: end }) },
  };
}

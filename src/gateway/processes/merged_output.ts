/**
 * The output of several processes as one: whole lines, and those of the log with the number of the process.
 *
 * While the reader of this process's own output is slow, that of a child is not read, and it waits in turn.
 */
import type { TextOutput } from "../../host/standard_output.ts";

/** A longer line is passed in pieces. */
const longestLine = 1024 * 1024;

/** Passes lines on until the stream ends; `mark` changes each. Rejects when the output is broken. */
export async function passLines(
  stream: AsyncIterable<Uint8Array>,
  output: TextOutput,
  mark: (text: string) => string,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    const end = rest.length > longestLine ? rest.length : rest.lastIndexOf("\n") + 1;
    if (end === 0) continue;
    const text = mark(rest.slice(0, end));
    rest = rest.slice(end);
    await output.write(text);
  }
  if (rest !== "") await output.write(mark(`${rest}\n`));
}

/** Says of each line of a log which process it is of. */
export function numbered(number: number): (text: string) => string {
  return (text) =>
    text.replaceAll(
      /^(?:millrace: |(\{)(?="(?:time|level)":)|(?=[^\n]))/gm,
      (_, record?: string) => record === undefined ? `millrace[${number}]: ` : `{"process":${number},`,
    );
}

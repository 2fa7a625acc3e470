/**
 * Frames as lines of text, and back: what `millrace connect` reads and prints.
 *
 * Called by `connect_command.ts`. Knows nothing of sockets.
 */
import { showPayload } from "../payload.ts";
import { CommandFailure, exitCodes } from "./failure.ts";

/** How a frame is printed as a line. */
export type FrameForm = "text" | "hex" | "json";

const utf8 = new TextDecoder();

/** One frame as one line, without its line end. For a terminal, control characters are made visible. */
export function showFrame(frame: Uint8Array, form: FrameForm, forTerminal: boolean): string {
  if (form === "hex") return Array.from(frame, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  if (form === "json") {
    const { json, encoding } = showPayload(frame, "utf8");
    return encoding === "utf8" ? json : `{${JSON.stringify(encoding)}:${json}}`;
  }
  const text = utf8.decode(frame);
  // A peer must not be able to move the cursor or rename the window.
  return forTerminal ? text.replaceAll(/[^\P{Cc}\t\n]/gu, visible) : text;
}

function visible(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** What one line of input stands for; `line` is its number, for the message about a bad one. */
export function readFrame(text: Uint8Array, form: "text" | "hex", line: number): Uint8Array {
  if (form === "text") return text;
  const shown = utf8.decode(text);
  const digits = shown.replaceAll(/\s+|0x/gi, "");
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) {
    throw new CommandFailure(
      exitCodes.failed,
      `read line ${line} of the input: found ${JSON.stringify(shown.slice(0, 60))}, ` +
        `expected pairs of hex digits such as "01 02 ff"`,
    );
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

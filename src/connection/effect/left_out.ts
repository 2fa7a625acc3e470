/** Options that make no sense where the connection is used through Effect's `Socket`. */
import { OptionsCheck } from "../../core/options.ts";

const names: readonly string[] = [
  "framing",
  "onFrame",
  "allowHalfOpen",
  "reframable",
  "frameTimeout",
  "minByteRate",
  "onFrameError",
  "onOtherProtocol",
  "context",
];

/** Refuses these, and `also`, which the types do not allow and would be without effect. Throws `OptionsError`. */
export function checkLeftOut(options: object, also: string): void {
  const check = new OptionsCheck();
  for (const name of [...names, also]) {
    const value = (options as Readonly<Record<string, unknown>> | undefined)?.[name];
    if (value !== undefined) {
      check.refuse(name, value, "to be left out for a Socket, which has bytes and no frames");
    }
  }
  check.done();
}

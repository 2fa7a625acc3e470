/** How many messages may be on their way to a server, as buses are told and as they keep it. */
import { checkInteger, OptionsCheck } from "../../core/options.ts";
import type { SizeInput } from "../../core/text/size.ts";

/** How much may wait to be confirmed. */
export interface PendingLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** @throws {OptionsError} for an invalid one */
export function pendingLimits(
  { maxPending, maxPendingBytes }: {
    readonly maxPending?: number | undefined;
    readonly maxPendingBytes?: SizeInput | undefined;
  },
): PendingLimits {
  const check = new OptionsCheck();
  const messages = checkInteger(check, "maxPending", maxPending, 1024, 1);
  const bytes = check.size("maxPendingBytes", maxPendingBytes, 8 * 1024 * 1024);
  check.done();
  return { messages, bytes };
}

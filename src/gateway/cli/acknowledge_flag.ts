/** `--acknowledge` of `millrace serve`: what each frame is answered with, when it is received. */
import type { Command } from "commander";
import type { LinkProtocol } from "../acknowledge/link_protocol.ts";
import { linkPresets } from "../acknowledge/link_protocols.ts";
import { CommandFailure, exitCodes } from "./failure.ts";
import type { FramingSpec } from "./framing_spec.ts";
import { oneOf, option } from "./option_values.ts";

/** What commander makes of it. */
export interface AcknowledgeFlag {
  acknowledge?: string;
}

const names = [...linkPresets.keys()];

/** Declares it. */
export function addAcknowledge(command: Command): Command {
  const help = `acknowledge each frame to its peer: ${names.join(", ")}`;
  return command.addOption(option("--acknowledge <preset>", help, oneOf(names)));
}

/** Undefined where it was not given. */
export function acknowledgeOf(
  { acknowledge: name }: AcknowledgeFlag,
  { framing }: FramingSpec,
): LinkProtocol | undefined {
  if (name === undefined) return undefined;
  const { framings, protocol } = linkPresets.get(name)!;
  if (framings?.includes(framing.name) === false) {
    const expected = `expected --framing ${framings.join(" or ")}`;
    throw new CommandFailure(exitCodes.usage, `--acknowledge ${name}: found ${framing.name}, ${expected}`);
  }
  return protocol;
}

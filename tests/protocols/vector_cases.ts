// Shared by the tests of presets for devices: bytes of the field, with the frames they are.
import type { FramerCase } from "../../src/testing/assert_framer.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { hex } from "../support/frames.ts";
import { vector } from "./device_vectors.ts";

/** The bytes of this name, and the frames they must be, in hex; they are also what must be written. */
export function caseOf(id: string, frames: readonly string[]): FramerCase<Uint8Array> {
  const { wire, frames: sizes } = vector(id);
  if (sizes.length !== frames.length) throw new Error(`${id} has ${sizes.length} frames`);
  return { name: id, bytes: hex(wire), frames: frames.map(hex), exact: true };
}

/** What a framing reports of these bytes, and what it throws at last: messages. */
export function problemsIn(framing: Framing<Uint8Array>, bytes: Uint8Array): string[] {
  const problems: string[] = [];
  const decoder = framing.decoder((error) => problems.push(error.message));
  try {
    decoder.push(bytes, () => {});
    decoder.flush?.(() => {});
  } catch (error) {
    problems.push((error as Error).message);
  }
  return problems;
}

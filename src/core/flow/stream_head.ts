/**
 * The first bytes of a connection, kept to say what a wrong peer speaks.
 *
 * Used by `pipeline.ts`. Whatever it is asked, and however often, it looks at no more than these few bytes.
 */
import { diagnoseCut, type Diagnosis, type Misread, recognise, withDiagnosis } from "../framing/diagnosis.ts";
import type { FrameError } from "../errors.ts";
import type { FramingHint } from "../framing/framing.ts";

/** Who is told. */
interface HeadOwner {
  otherProtocol(found: Diagnosis): void;
}

/** More is not needed to tell any of the protocols that are known. */
const headLength = 64;
const nothing = new Uint8Array(0);

/** The beginning of one stream. */
export class StreamHead {
  #bytes: Uint8Array = nothing;
  /** What was told cannot change any more: it has been told, or there is nothing to tell. */
  #settled = false;

  /** Bytes that came next. */
  add(chunk: Uint8Array): void {
    const { length } = this.#bytes;
    if (length === headLength || chunk.length === 0) return;
    const both = new Uint8Array(Math.min(headLength, length + chunk.length));
    both.set(this.#bytes);
    both.set(chunk.subarray(0, both.length - length), length);
    this.#bytes = both;
  }

  /** No more bytes are taken. */
  get full(): boolean {
    return this.#bytes.length === headLength;
  }

  /**
   * Frames have been cut: tells, where it `looks`, of the well-known protocol that the bytes begin like. True once there
   * is nothing more to tell.
   */
  isTold(looks: boolean, hint: FramingHint | undefined, owner: HeadOwner): boolean {
    const found = looks && hint?.kind !== "raw" ? diagnoseCut(this.#bytes) : undefined;
    if (found !== undefined) owner.otherProtocol(found);
    return found !== undefined || this.full || !looks;
  }

  /** What the bytes are in place of frames of this framing. */
  recognise(misread: Misread): Diagnosis | undefined {
    return recognise(this.#bytes, misread);
  }

  /** The error with what the stream looks like: the first that can say, since others that follow it say no more. */
  diagnosed(error: FrameError, framing: Misread["framing"]): FrameError {
    if (this.#settled) return error;
    const diagnosed = withDiagnosis(error, this.#bytes, framing);
    this.#settled = diagnosed !== error || this.full;
    return diagnosed;
  }
}

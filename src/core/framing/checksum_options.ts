/**
 * The options of `checksummed`, and what they say together.
 */
import { type ChecksumFunction, checksumKinds, type ChecksumName } from "../checksum/checksum.ts";
import { checkFlag, checkInteger, type OptionsCheck } from "../options.ts";
import type { FrameErrorPolicy } from "./framing.ts";

/** Which checksum. */
export type ChecksumChoice =
  | {
    /** A sum or exclusive or, which may begin with a seed. */
    readonly type: "xor" | "sum8" | "sum16";
    /** The value to begin with, 0 to 65535. @default 0 */
    readonly seed?: number | undefined;
  }
  | {
    /** Which checksum, by its name. */
    readonly type: ChecksumName;
    /** Not with a CRC, which has an initial value of its own. */
    readonly seed?: undefined;
  };

/** How it is written. */
export type ChecksumNotation =
  | {
    /** `"hex"`: two digits a byte, upper case when sent; `"decimal"`: 3, 5 or 10 digits. */
    readonly format: "hex" | "decimal";
    /** Not with digits, of which the first is always the highest. */
    readonly endian?: undefined;
    /** Not with digits. */
    readonly bytes?: undefined;
  }
  | {
    /** Bytes. @default "binary" */
    readonly format?: "binary" | undefined;
    /** Byte order. @default "big" */
    readonly endian?: "big" | "little" | undefined;
    /** Size of the field in bytes, where it is larger than the checksum, up to 4. @default that of the checksum */
    readonly bytes?: 1 | 2 | 3 | 4 | undefined;
  };

/** Options of {@linkcode checksummed}. */
export type ChecksumOptions = ChecksumChoice & ChecksumNotation & {
  /** The first byte of the frame that the checksum covers, counted from 0. It covers all from there to itself. @default 0 */
  readonly from?: number | undefined;
  /**
   * What stands between the covered bytes and the checksum, and is not covered: bytes, or text encoded as UTF-8. A frame without
   * it is `malformed`. @default nothing
   */
  readonly separator?: string | Uint8Array | undefined;
  /**
   * Frames include their separator and checksum. Such frames are sent with those of their own, and rejected (`FrameError`
   * `checksum`) if they are wrong. Otherwise both are removed, and written. @default false
   */
  readonly keepChecksum?: boolean | undefined;
  /**
   * What happens after a frame with a wrong checksum: close the connection, or report it and continue with the next. For frames
   * that the framing itself rejects, its own `onFrameError` applies. @default "close"
   */
  readonly onFrameError?: FrameErrorPolicy | undefined;
};

/** All that the options come to. */
export interface ChecksumRules {
  readonly type: ChecksumName;
  readonly of: ChecksumFunction;
  readonly seed: number | undefined;
  readonly format: "binary" | "hex" | "decimal";
  readonly little: boolean;
  /** Bytes of the field, or digits. */
  readonly width: number;
  readonly from: number;
  readonly separator: Uint8Array;
  readonly keep: boolean;
}

const known = [
  "type",
  "seed",
  "format",
  "endian",
  "bytes",
  "from",
  "separator",
  "keepChecksum",
  "onFrameError",
];
const decimalDigits = { 1: 3, 2: 5, 4: 10 };

/** Reads them; faults go to `check`. */
export function readChecksumOptions(check: OptionsCheck, options: ChecksumOptions): ChecksumRules {
  check.keys(options, known);
  const { type, seed, endian, bytes, separator = "" } = options;
  const names = [...checksumKinds.keys()];
  if (type === undefined) check.refuse("type", type, `one of ${names.join(", ")}`);
  const name = check.oneOf("type", type, "xor", names);
  const kind = checksumKinds.get(name)!;
  const format = check.oneOf("format", options.format, "binary", ["binary", "hex", "decimal"]);
  check.oneOf("endian", endian, "big", ["big", "little"]);
  checkFlag(check, "keepChecksum", options.keepChecksum);
  checkInteger(check, "seed", seed, 0, 0, 256 ** kind.bytes - 1);
  const size = checkInteger(check, "bytes", bytes, kind.bytes, kind.bytes, 4);
  const from = checkInteger(check, "from", options.from, 0, 0, 2 ** 32);
  if (seed !== undefined && !kind.seeded) {
    check.refuse("seed", seed, `none with ${name}, which has an initial value of its own`);
  }
  if (format !== "binary") {
    for (const [option, value] of Object.entries({ endian, bytes })) {
      if (value !== undefined) check.refuse(option, value, `nothing with format ${format}`);
    }
  } else if (endian !== undefined && size === 1) {
    check.refuse("endian", endian, "nothing with a checksum of one byte");
  }
  if (!(typeof separator === "string" || separator instanceof Uint8Array)) {
    check.refuse("separator", separator, "a string or Uint8Array");
  }
  return {
    type: name,
    of: kind.of,
    seed,
    format,
    little: endian === "little",
    width: format === "hex" ? kind.bytes * 2 : format === "decimal" ? decimalDigits[kind.bytes] : size,
    from,
    separator: typeof separator === "string"
      ? new TextEncoder().encode(separator)
      : new Uint8Array(separator),
    keep: options.keepChecksum ?? false,
  };
}

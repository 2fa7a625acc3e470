/**
 * Payloads as JSON values: how bytes are shown on a bus or a screen that carries text, and read back.
 *
 * Used by the stdio bus and the printing of frames. Nothing is lost: bytes that the wanted encoding cannot
 * show are shown as base64, and the line says so.
 */
import { hexText } from "../core/text/hex.ts";
import { compactJson } from "./json_text.ts";

/**
 * How bytes become a JSON value. `json`: the bytes are JSON text, which is embedded unchanged except for white space
 * between its parts, so that numbers of any size and duplicate keys are preserved. Bytes that are not JSON are
 * written as `utf8`.
 */
export type PayloadEncoding = "utf8" | "base64" | "hex" | "json";

/** All of them, for messages and checks. */
export const payloadEncodings: readonly PayloadEncoding[] = ["utf8", "base64", "hex", "json"];

/** A payload ready to stand in a JSON line. */
interface ShownPayload {
  /** JSON text of the value. */
  readonly json: string;
  /** How to read it back; not always what was asked for. */
  readonly encoding: PayloadEncoding;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Shows bytes in the wanted encoding, or in one that loses nothing. */
export function showPayload(bytes: Uint8Array, wanted: PayloadEncoding): ShownPayload {
  if (wanted === "hex") return { json: `"${hexText(bytes)}"`, encoding: "hex" };
  if (wanted !== "base64") {
    const text = decodeText(bytes);
    if (text !== undefined && wanted === "utf8") return { json: JSON.stringify(text), encoding: "utf8" };
    if (text !== undefined) {
      const json = compactJson(text);
      return json === undefined
        ? { json: JSON.stringify(text), encoding: "utf8" }
        : { json, encoding: "json" };
    }
  }
  return { json: `"${toBase64(bytes)}"`, encoding: "base64" };
}

/**
 * Reads a JSON value, of which `json` is the text, back to bytes. Without an encoding a string is UTF-8 and any other
 * value is JSON. Throws a `TypeError` that says what is wrong.
 */
export function readPayload(
  value: unknown,
  json: string,
  encoding: PayloadEncoding | undefined,
): Uint8Array {
  const how = encoding ?? (typeof value === "string" ? "utf8" : "json");
  if (how === "json") return encoder.encode(json);
  if (typeof value !== "string") {
    throw new TypeError(`found a payload that is not a string, expected one in ${how}`);
  }
  if (how === "utf8") {
    // Half of a pair has no bytes, and would be replaced without a word.
    if (!/\p{Surrogate}/u.test(value)) return encoder.encode(value);
    throw new TypeError(
      "found a lone surrogate in the payload, expected text that can be encoded in UTF-8",
    );
  }
  return how === "hex" ? fromHex(value) : fromBase64(value);
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) {
    throw new TypeError(`found hex digits ${JSON.stringify(text.slice(0, 40))}, expected pairs of 0-9a-f`);
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** As many bytes at a time as a call may have arguments everywhere. */
const stride = 8192;

function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += stride) {
    binary += String.fromCharCode(...bytes.subarray(at, at + stride));
  }
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new TypeError(`found ${JSON.stringify(text.slice(0, 40))}, expected base64`);
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

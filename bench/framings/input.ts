/** The bytes that the framings are measured with: frames of one size, in chunks of 64 KiB that end anywhere in a frame. */

import { ByteWriter } from "../../src/core/bytes/bytes.ts";
import type { MechanismWire } from "./contestant.ts";
import { mechanismFraming } from "./mechanism_framings.ts";

/** What is cut. */
export type Wire = "lines" | "delimited" | "fixed" | "length" | MechanismWire | ProtocolWire;

/** Commands of Redis that set a value, MQTT messages of QoS 0, and rows of PostgreSQL with one column. */
export type ProtocolWire = "resp" | "mqtt" | "postgres";

/** Bytes of content of a frame. */
export const frameSizes: readonly number[] = [16, 256, 4096, 65_536];

/** One of them for people. */
export const sizeText = (bytes: number): string => bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`;

const chunkBytes = 64 * 1024;
/** The first chunk is a short one: no size of frames then ends where chunks do. */
const firstBytes = 40_007;
/** About so much in all, and 8 frames at least: enough of the largest ones. */
const totalBytes = 4 * 1024 * 1024;
export const delimiter = "\r\n\r\n";
export const lengthBytes = 4;

/** Chunks with whole frames, whose content is of this size. */
export function inputOf(
  wire: Wire,
  size: number,
): { readonly chunks: Uint8Array[]; readonly frames: number } {
  const frame = frameOf(wire, size);
  const frames = Math.max(8, Math.round(totalBytes / frame.length));
  const all = new Uint8Array(frames * frame.length);
  for (let at = 0; at < all.length; at += frame.length) all.set(frame, at);
  const chunks: Uint8Array[] = [];
  for (let at = firstBytes - chunkBytes; at < all.length; at += chunkBytes) {
    chunks.push(all.slice(Math.max(0, at), at + chunkBytes));
  }
  return { chunks, frames };
}

function frameOf(wire: Wire, size: number): Uint8Array {
  const content = new Uint8Array(size).map((_, at) => 97 + at % 26);
  if (wire === "fixed") return content;
  if (wire === "length") {
    const frame = new Uint8Array(lengthBytes + size);
    new DataView(frame.buffer).setUint32(0, size);
    frame.set(content, lengthBytes);
    return frame;
  }
  const framing = mechanismFraming(wire);
  if (framing !== undefined) {
    const writer = new ByteWriter();
    framing.encode(wire === "slip" || wire === "cobs" ? anyBytes(size) : content, writer);
    return writer.take();
  }
  if (wire === "resp") return around(`*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$${size}\r\n`, content, "\r\n");
  if (wire === "mqtt") return around(mqttHead(size), content, "");
  if (wire === "postgres") return around(rowHead(size), content, "");
  return new TextEncoder().encode(new TextDecoder().decode(content) + (wire === "lines" ? "\n" : delimiter));
}

/** Bytes of every value, so that a few of them are escaped. */
function anyBytes(size: number): Uint8Array {
  return new Uint8Array(size).map((_, at) => (at * 197 + (at >> 8) * 13) & 255);
}

/** Characters are bytes. */
function around(head: string, content: Uint8Array, tail: string): Uint8Array {
  const bytesOf = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));
  return Uint8Array.of(...bytesOf(head), ...content, ...bytesOf(tail));
}

function mqttHead(size: number): string {
  let length = "";
  let rest = size + 5;
  for (; rest > 127; rest = Math.floor(rest / 128)) length += String.fromCharCode(rest % 128 + 128);
  return `\x30${length}${String.fromCharCode(rest)}\0\x03a/b`;
}

function rowHead(size: number): string {
  const uint32 = (value: number): string =>
    String.fromCharCode(0, value >> 16 & 255, value >> 8 & 255, value & 255);
  return `D${uint32(size + 10)}\0\x01${uint32(size)}`;
}

/** Bytes as hexadecimal digits, for messages, pages and metadata. */

const digits: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

/** Two digits for each byte, lower case. */
export function hexText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += digits[byte]!;
  return text;
}

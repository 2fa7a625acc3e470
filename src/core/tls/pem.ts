/** PEM (RFC 7468): what certificates and keys look like as text. Called where such text comes in. */

/** One block between BEGIN and END. */
export interface PemBlock {
  /** Such as `"CERTIFICATE"`. */
  readonly label: string;
  /** The block alone, with its two lines, ending in a line break. */
  readonly text: string;
  /** Undefined when the lines between are no Base64. */
  readonly der: Uint8Array | undefined;
  /** A key that needs a passphrase. */
  readonly encrypted: boolean;
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*(?:-(?!----)[^-]*)*)-----END \1-----/g;

/** The blocks in a text, in their order; whatever stands around them is ignored. */
export function readPem(text: string): PemBlock[] {
  return Array.from(text.matchAll(block), ([whole, label = "", body = ""]) => ({
    label,
    text: `${whole.replaceAll("\r", "")}\n`,
    der: decoded(body),
    encrypted: label === "ENCRYPTED PRIVATE KEY" || /^Proc-Type:.*ENCRYPTED/m.test(body),
  }));
}

/** True when the last block has a beginning and no end, as in a file that is still being written. */
export function isCutOff(text: string): boolean {
  return text.lastIndexOf("-----BEGIN ") > text.lastIndexOf("-----END ");
}

function decoded(body: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(body.replace(/\s/g, "")), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

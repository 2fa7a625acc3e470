/**
 * What a wrong peer speaks, told from its first bytes.
 *
 * Called through `stream_head.ts` when the first frame of a connection fails or does not come, never on the way of a
 * good one. Knows well-known protocols and the framing's hint; knows no connection.
 */
import { FrameError, type FrameErrorReason } from "../errors.ts";
import type { Framing } from "./framing.ts";
import { misreading } from "./misreading.ts";

/** What bytes look like, and what to check. */
export interface Diagnosis {
  /** A noun with its article: `"an HTTP request"`. */
  readonly looksLike: string;
  /** What to check next: a clause without a full stop. */
  readonly advice: string;
}

const wrongPort = "check that the peer is meant to connect to this host and port";
const noTls = "turn TLS off at the peer, or turn it on here";
const noProxyHeader =
  "name the load balancer in the option proxyProtocol here, or turn the PROXY protocol off there";

/** For a protocol that has a framing of its own. */
function preset(name: string): string {
  return `${wrongPort}, or use the framing ${name} here`;
}

interface Signature extends Diagnosis {
  /** The first bytes; `any` where they vary. */
  readonly starts: readonly (number | undefined)[];
  /** Is made of frames, or of lines: where frames can be cut from it, the framing may well be meant for it. */
  readonly hasFrames: boolean;
}

const any = undefined;

function text(starts: string, looksLike: string, advice: string = wrongPort): Omit<Signature, "hasFrames"> {
  return { starts: [...starts].map((letter) => letter.charCodeAt(0)), looksLike, advice };
}

function bytes(
  starts: Signature["starts"],
  looksLike: string,
  advice: string = wrongPort,
): Omit<Signature, "hasFrames"> {
  return { starts, looksLike, advice };
}

/** The first that fits wins, so the longer of two with one beginning stands first. */
const signatures: readonly Signature[] = [
  ...[
    text("EHLO ", "an SMTP client"),
    text("HELO ", "an SMTP client"),
    text("220 ", "an SMTP or FTP greeting"),
    text("220-", "an SMTP or FTP greeting"),
    text("+OK ", "a POP3 greeting"),
    text("* OK ", "an IMAP greeting"),
    text("INFO {", "a NATS greeting"),
    text("CONNECT {", "a NATS client"),
    text("AMQP", "an AMQP header"),
    bytes([0x10, any, 0, 4, 0x4d, 0x51, 0x54, 0x54], "an MQTT CONNECT packet", preset("mqtt")),
    bytes([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f], "a PostgreSQL client that asks for TLS", preset("postgres")),
    bytes([0, 0, any, any, 0, 3, 0, 0, 0x75, 0x73, 0x65, 0x72, 0], "a PostgreSQL client", preset("postgres")),
    bytes([any, 0, 0, 0, 10, 0x35, 0x2e], "a MySQL greeting"),
    bytes([any, 0, 0, 0, 10, 0x38, 0x2e], "a MySQL greeting"),
    bytes([0, 0, any, any, 0xff, 0x53, 0x4d, 0x42], "an SMB client"),
    bytes([0, 0, any, any, 0xfe, 0x53, 0x4d, 0x42], "an SMB client"),
    bytes([3, 0, any, any, any, 0xe0], "an RDP or ISO-on-TCP connection request (TPKT)", preset("tpkt")),
    text("\x0bMSH|", "an HL7 message in MLLP", preset("mllp")),
  ].map((signature) => ({ ...signature, hasFrames: true })),
  ...[
    bytes([0x16, 3, any, any, any, 1], "a TLS ClientHello", noTls),
    bytes([0x16, 3, any, any, any, 2], "a TLS ServerHello", noTls),
    bytes([0x15, 3, any, 0, 2], "a TLS alert", noTls),
    text("PRI * HTTP/2.0\r\n", "an HTTP/2 connection preface"),
    ...["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"].flatMap((method) =>
      [" /", " http://", " https://", " *"].map((target) => text(method + target, "an HTTP request"))
    ),
    text("HTTP/1.", "an HTTP response"),
    text("SSH-", "an SSH banner"),
    text("PROXY TCP", "a PROXY protocol header (v1)", noProxyHeader),
    text("PROXY UNKNOWN", "a PROXY protocol header (v1)", noProxyHeader),
    text("\r\n\r\n\0\r\nQUIT\n", "a PROXY protocol header (v2)", noProxyHeader),
    text("CONNECT ", "an HTTP CONNECT request"),
    bytes([0xff, 0xfe, any, 0], "UTF-16 text", "have the peer send UTF-8"),
    bytes([0xfe, 0xff, 0, any], "UTF-16 text", "have the peer send UTF-8"),
  ].map((signature) => ({ ...signature, hasFrames: false })),
];

/**
 * Recognizes a well-known protocol by the first bytes of a stream; undefined if it knows none that begins like this.
 *
 * @example
 * ```ts
 * import { diagnose } from "@millrace/millrace/streams";
 *
 * const head = new TextEncoder().encode("GET / HTTP/1.1\r\n");
 * console.log(diagnose(head)?.looksLike); // an HTTP request
 * ```
 */
export function diagnose(head: Uint8Array): Diagnosis | undefined {
  return signatureOf(head);
}

/** The same where frames have been cut from the stream: no protocol that the framing may be meant for. */
export function diagnoseCut(head: Uint8Array): Diagnosis | undefined {
  const found = signatureOf(head);
  return found?.hasFrames ? undefined : found;
}

function signatureOf(head: Uint8Array): Signature | undefined {
  return signatures.find(({ starts }) =>
    head.length >= starts.length && starts.every((byte, at) => byte === any || byte === head[at])
  );
}

/** A stream that is not frames of this framing. */
export interface Misread {
  readonly framing: Framing<unknown, never>;
  /** What is wrong with its first frame. */
  readonly reason: FrameErrorReason;
}

/** What bytes at the beginning of a stream are in the place of frames. */
export function recognise(head: Uint8Array, { framing, reason }: Misread): Diagnosis | undefined {
  return diagnose(head) ?? (framing.hint && misreading(reason, head, framing.hint));
}

/** For messages: the end of one that says what a stream begins like. */
export function beginsLike({ looksLike, advice }: Diagnosis): string {
  return `; the stream begins like ${looksLike}: ${advice}`;
}

/**
 * The error with what the bytes look like in `looksLike` and in its message; the error itself where nothing
 * can be told. `head` is the beginning of the stream.
 */
export function withDiagnosis(
  error: FrameError,
  head: Uint8Array,
  framing: Framing<unknown, never>,
): FrameError {
  if (error.looksLike !== undefined) return error;
  const found = recognise(head, { framing, reason: error.reason });
  if (found === undefined) return error;
  const { reason, offset, size, limit, cause, connectionId } = error;
  const diagnosed = new FrameError(
    reason,
    `${error.message}${beginsLike(found)}`,
    { offset, size, limit, looksLike: found.looksLike },
    cause === undefined ? undefined : { cause },
  );
  diagnosed.connectionId = connectionId;
  return diagnosed;
}

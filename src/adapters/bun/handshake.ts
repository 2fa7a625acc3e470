/**
 * What the handshakes of both sides in Bun's own TLS have in common: whatever ends the socket ends them.
 *
 * It hears the plain socket and the one with TLS on it; at the end of the handshake a transport takes the latter over.
 */
import type { BunSink, BunSocket, Slot } from "./transport.ts";

/** One handshake on its way. */
export abstract class BunHandshake implements BunSink {
  /** Plaintext bytes; once TLS has been laid, Bun still shows the ciphertext here. */
  abstract received(chunk: Uint8Array): void;
  /** Nothing once it is over. */
  abstract failed(cause: unknown): void;
  abstract shaken(socket: BunSocket<Slot>, good: boolean, fault: Error | null): void;

  writable(): void {}

  finished(): void {
    this.failed({ code: "ECONNRESET", message: "it sent FIN" });
  }

  closed(cause: Error | undefined): void {
    this.failed(cause ?? { code: "ECONNRESET", message: "the connection closed" });
  }
}

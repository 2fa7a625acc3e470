/**
 * Sockets in memory whose connections can be secured by a handshake that the test plays: it is over when the test says
 * so, and what comes then is "secured" as it stands. So everything around a handshake is tried on a clock that is moved.
 */
import type { TestContext } from "node:test";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import { type PlainPart, UpgradableTransport } from "../../src/adapters/tls/upgradable.ts";
import type { TlsInfo } from "../../src/core/tls/tls.ts";
import type { Adapter, Transport } from "../../src/core/transport.ts";
import { FakeClock } from "../../src/testing/fake_clock.ts";
import { Virtual } from "./server.ts";

const info: TlsInfo = {
  engine: "scripted",
  protocol: "TLSv1.3",
  cipher: "TLS_AES_128_GCM_SHA256",
  alpn: undefined,
  serverName: undefined,
  authorized: false,
  certificate: undefined,
};

/** One handshake, as the test plays it. */
export interface PlayedHandshake {
  readonly plain: PlainPart;
  succeed(): void;
  fail(error: Error): void;
}

/** A place with such sockets. */
export class Played extends Virtual {
  override readonly adapter: Adapter;
  /** Certificates of tests are valid now. */
  override readonly clock: FakeClock = new FakeClock({ wallTime: Date.now() });
  readonly handshakes: PlayedHandshake[] = [];

  constructor(t: TestContext) {
    super(t);
    const memory = memoryAdapter({ clock: this.clock });
    const upgradable = (transport: Transport) => new UpgradableTransport(transport, this.#play);
    this.adapter = {
      name: "memory",
      can: { ...memory.can, tls: true },
      listen: (options, accept) => {
        return memory.listen(options, (one) => accept(options.upgradable ? upgradable(one) : one));
      },
      connect: async (options) => {
        const transport = await memory.connect(options);
        return options.upgradable ? upgradable(transport) : transport;
      },
    };
  }

  readonly #play = (plain: PlainPart, _tls: unknown, signal: AbortSignal): Promise<Transport> =>
    new Promise((resolve, reject) => {
      const before = plain.taken;
      const secured: Transport = {
        peer: { ...plain.peer, tls: info },
        start: (events) => plain.start(events),
        resume: () => plain.resume(),
        prompt: plain.prompt,
        write: (chunk) => plain.write(chunk),
        get taken() {
          return plain.taken - before;
        },
        end: () => plain.end(),
        release: () => plain.release(),
        abort: () => plain.abort(),
      };
      signal.addEventListener("abort", () => reject(signal.reason));
      this.handshakes.push({ plain, succeed: () => resolve(secured), fail: reject });
    });
}

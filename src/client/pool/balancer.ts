/**
 * Connections to one of several targets, each made when it is asked for, and for nobody else: what a proxy needs.
 *
 * Exported by `client.ts` of the package. What targets are is known by `targets.ts`.
 */
import type { Connection } from "../../connection/connection.ts";
import type { Session } from "../../connection/session.ts";
import { OptionsError, SocketError } from "../../core/errors.ts";
import type { OptionsCheck } from "../../core/options.ts";
import type { BalancedConnectOptions, BalancerOptions } from "./balancer_options.ts";
import { Closing, type ClosingOptions, type ClosingReport } from "./closing.ts";
import { checkKey } from "./key.ts";
import type { Place } from "./place.ts";
import { type BalancerInspection, inspectPlaces } from "./pool_inspection.ts";
import { type ProxySource, type Start, start, type UncheckedStart } from "./start.ts";
import { Targets } from "./targets.ts";

/** Connections to several targets, without a pool. */
export interface Balancer<Received, in Sent = Received, Context = undefined> extends AsyncDisposable {
  /**
   * Connects to the target whose turn it is, and to others after it while they fail: at most `attempts`, each within
   * `connectTimeout`. Rejects as `connect` does, and with a `SocketError` `no_target` when all breakers are open.
   */
  connect(options?: BalancedConnectOptions): Promise<Connection<Received, Sent, Context>>;
  /** The targets at this moment. */
  inspect(): BalancerInspection;
  /**
   * Makes no more connections, and waits for the open ones to end. At the deadline they are destroyed. Idempotent.
   */
  close(options?: ClosingOptions): Promise<ClosingReport>;
}

/**
 * A balancer over several targets: `connect` makes a connection to one of them, for one client.
 *
 * @example A proxy for TCP in front of two servers, which learn who the client is
 * ```ts
 * import { lines, serve } from "@millrace/millrace";
 * import { balancer } from "@millrace/millrace/client";
 *
 * const framing = lines({ encoding: "utf-8" });
 * const proxyProtocol = { from: ["127.0.0.1"] };
 * await using one = await serve({
 *   port: 0,
 *   framing,
 *   proxyProtocol,
 *   onFrame: (line, { peer }) => console.log(line, peer.ip), // hello 192.0.2.7
 * });
 * await using servers = await balancer({
 *   targets: [one.address],
 *   framing,
 *   proxyHeader: { version: 2 },
 *   healthCheck: { every: "5 seconds" },
 * });
 * const connection = await servers.connect({ source: { ip: "192.0.2.7", port: 4000 } });
 * await connection.send("hello");
 * await connection.close();
 * ```
 *
 * @throws {OptionsError} before any socket opens
 */
export async function balancer<Received, Sent = Received, Context = undefined>(
  options: BalancerOptions<Received, Sent, Context>,
): Promise<Balancer<Received, Sent, Context>> {
  const own = (check: OptionsCheck): void => {
    const header = options.proxyHeader as object | undefined;
    if (header !== undefined) check.keys(header, ["version", "tlvs"], "proxyHeader.");
  };
  const unchecked = options as unknown as UncheckedStart<Received, Sent, Context>;
  const base = await start(unchecked, [], ["every", "timeout", "test"], own);
  return new DirectBalancer(base, options.proxyHeader !== undefined);
}

class DirectBalancer<Received, Sent, Context> implements Balancer<Received, Sent, Context> {
  readonly #base: Start<Received, Sent, Context>;
  readonly #names: boolean;
  readonly #targets: Targets<Session<Received, Sent, Context>, never>;
  readonly #closing: Closing = new Closing();
  readonly #open: Set<Connection<Received, Sent, Context>> = new Set();

  constructor(base: Start<Received, Sent, Context>, names: boolean) {
    this.#base = base;
    this.#names = names;
    const { settings, wheel, connect, probe, event } = base;
    this.#targets = new Targets(settings, wheel, {
      connect,
      check: probe,
      connectingIsAll: true,
      removed: () => {},
      joined: () => {},
      event,
    });
    this.#targets.start();
  }

  async connect(
    options: BalancedConnectOptions = {},
  ): Promise<Connection<Received, Sent, Context>> {
    const { source, signal } = options;
    const key = checkKey(this.#base.settings.balance, options.key ?? this.#byPeer(source));
    if (source !== undefined && !this.#names) {
      const expected = "proxyHeader among the options of the balancer: without one nobody is told of it";
      throw new OptionsError("conflict", [{ path: "source", found: source, expected }]);
    }
    if (this.#closing.begun) throw new SocketError("closed", "connect to a target: the balancer is closed");
    if (signal?.aborted) {
      throw new SocketError("aborted", "connect to a target: aborted", { cause: signal.reason });
    }
    await this.#targets.unknown();
    const { place, link } = await this.#targets.connect(
      key,
      signal,
      undefined,
      this.#names ? source ?? "own" : undefined,
    );
    this.#keep(place, link.connection, signal);
    return link.connection;
  }

  inspect(): BalancerInspection {
    return {
      connections: this.#open.size,
      targets: inspectPlaces(this.#targets.places, this.#base.clock.now()),
    };
  }

  close(options?: ClosingOptions): Promise<ClosingReport> {
    return this.#closing.close(options, this.#base.wheel, this.#open, () => this.#targets.stop());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #byPeer(source: ProxySource | undefined): string | undefined {
    if (this.#base.settings.balance !== "rendezvous" || typeof source !== "object") return undefined;
    return source.ip || source.path;
  }

  #keep(
    place: Place<never>,
    link: Connection<Received, Sent, Context>,
    signal: AbortSignal | undefined,
  ): void {
    const drop = (): void => link.destroy();
    place.busy++;
    this.#open.add(link);
    signal?.addEventListener("abort", drop);
    void link.closed.then(() => {
      place.busy--;
      signal?.removeEventListener("abort", drop);
      this.#open.delete(link);
      this.#closing.look(this.#open);
    });
    if (this.#closing.begun) link.destroy();
  }
}

/**
 * Names of targets as the addresses that they have now: looked up at first, and then again and again.
 *
 * Held by `targets.ts`, which is told of each new list. A name that cannot be looked up keeps the addresses it had.
 */
import { lookUp } from "../../adapters/by_name.ts";
import { SocketError } from "../../core/errors.ts";
import { readHost } from "../../core/text/place.ts";
import { Deadline } from "../../core/time/deadline.ts";
import type { TimerWheel } from "../../core/time/timer_wheel.ts";
import type { Address } from "../../core/transport.ts";
import { isName, type Listed, type TargetsSettings } from "./targets_settings.ts";

/** An address to connect to, and the name that it was looked up by. */
export interface Found extends Listed {
  readonly name: string | undefined;
}

/** Who hears of it. */
interface NamesOwner {
  found(all: readonly Found[]): void;
  lookupFailed(name: string, error: unknown): void;
}

/** The names among the targets. */
export class Names {
  /** A look-up under way, which does not reject. */
  pending: Promise<void> | undefined = undefined;
  readonly #listed: readonly Listed[];
  readonly #lookup: (host: string) => Promise<readonly string[]>;
  readonly #every: number;
  readonly #owner: NamesOwner;
  readonly #again: Deadline;
  readonly #known: Map<Listed, readonly Found[]> = new Map();
  #stopped = false;

  constructor(
    listed: readonly Listed[],
    { every, lookup = lookUp }: NonNullable<TargetsSettings["resolve"]>,
    wheel: TimerWheel,
    owner: NamesOwner,
  ) {
    this.#listed = listed;
    this.#lookup = lookup;
    this.#every = every;
    this.#owner = owner;
    this.#again = new Deadline(wheel, () => this.look());
  }

  /** Looks all of them up, unless that is being done already. */
  look(): void {
    if (this.#stopped) return;
    this.#again.unset();
    this.pending ??= this.#look().finally(() => {
      this.pending = undefined;
      if (!this.#stopped) this.#again.set(this.#every);
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#again.unset();
  }

  async #look(): Promise<void> {
    const names = this.#listed.filter(({ address }) => isName(address));
    await Promise.all(names.map((listed) => this.#lookOne(listed)));
    if (this.#stopped) return;
    this.#owner.found(
      this.#listed.flatMap((listed) =>
        this.#known.get(listed) ?? (isName(listed.address) ? [] : [fixed(listed)])
      ),
    );
  }

  async #lookOne(listed: Listed): Promise<void> {
    const { host, port } = listed.address as Extract<Address, { readonly transport: "tcp" }>;
    try {
      const all = [...new Set(await this.#lookup(host))].map((text) => {
        const reading = readHost(text);
        if (!reading.ok) {
          throw new SocketError(
            "host_not_found",
            `look up ${host}: found ${JSON.stringify(text)}, expected an IP address`,
          );
        }
        return reading.value;
      });
      if (all.length === 0) throw new SocketError("host_not_found", `look up ${host}: it has no address`);
      this.#known.set(
        listed,
        all.map((ip) => ({
          address: { transport: "tcp", host: ip, port },
          name: host,
          weight: listed.weight,
        })),
      );
    } catch (error) {
      if (!this.#stopped) this.#owner.lookupFailed(host, error);
    }
  }
}

/** One that is not looked up here. */
export function fixed(listed: Listed): Found {
  return { ...listed, name: undefined };
}

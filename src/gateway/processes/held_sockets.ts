/** The sockets that this process has bound and that others serve on, by name. */
import { detectAdapter } from "../../adapters/detect.ts";
import { type HeldPlace, type HeldSocket, holdSocket } from "../../adapters/held.ts";
import { tellPath } from "../../adapters/inherited.ts";
import { formatAddress } from "../../core/text/address.ts";
import type { Address } from "../../core/transport.ts";
import { CommandFailure, exitCodes } from "../cli/failure.ts";

/** Places by name. */
export type Places = ReadonlyMap<string, HeldPlace>;

/** The name of a socket: the same for the same address, and for each free port its own. */
export function socketName(owner: string, address: Address): string {
  const text = formatAddress(address);
  return address.transport === "tcp" && address.port === 0 ? `${owner} ${text}` : text;
}

/** Throws where this system cannot pass on a socket; `flag` is what asks for it. */
export async function checkPassing(flag: string): Promise<void> {
  const { name, can } = await detectAdapter();
  if (can.descriptor) return;
  throw new CommandFailure(exitCodes.usage, `${flag}: ${name} cannot pass on its sockets on this system`);
}

/** The descriptor of this name. */
export function handed(sockets: ReadonlyMap<string, number>, name: string, address: Address): number {
  const descriptor = sockets.get(name);
  if (descriptor !== undefined) {
    if (address.transport === "unix") tellPath(descriptor, address.path);
    return descriptor;
  }
  throw new CommandFailure(
    exitCodes.failed,
    `listen on ${name}: the process that holds the sockets has not passed this one; send it SIGUSR2 again`,
  );
}

/** What is held. */
export class HeldSockets {
  readonly #sockets: Map<string, HeldSocket> = new Map();

  /** Binds what is not bound yet; returns what was. Binds nothing where one of them fails. */
  async bind(places: Places): Promise<readonly string[]> {
    const added: string[] = [];
    try {
      for (const [name, place] of places) {
        if (this.#sockets.has(name)) continue;
        this.#sockets.set(name, await holdSocket(place));
        added.push(name);
      }
      return added;
    } catch (error) {
      await this.drop(added);
      throw error;
    }
  }

  async drop(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const socket = this.#sockets.get(name);
      this.#sockets.delete(name);
      await socket?.release();
    }
  }

  /** Drops what is not among these. */
  keep(names: ReadonlySet<string>): Promise<void> {
    return this.drop([...this.#sockets.keys()].filter((name) => !names.has(name)));
  }

  /** Descriptors for a child. */
  descriptors(places: Places): Map<string, number> {
    return new Map([...places.keys()].map((name) => [name, this.#sockets.get(name)!.descriptor]));
  }

  release(): Promise<void> {
    return this.drop([...this.#sockets.keys()]);
  }
}

/**
 * What every benchmark server does beside serving: says on standard output which port it got, and collects
 * garbage when a line comes in on standard input. Ends when standard input ends, so none outlives the run.
 */
import process from "node:process";
import type { Address } from "../../src/core/transport.ts";

interface Collectors {
  readonly Bun?: { gc(synchronous: boolean): void };
  readonly gc?: () => void;
}

/** Announces the port and waits for orders. */
export function ready(port: number): void {
  console.log(JSON.stringify({ port }));
  process.stdin.on("data", () => {
    const { Bun, gc } = globalThis as Collectors;
    if (Bun !== undefined) Bun.gc(true);
    else gc?.();
    console.log(JSON.stringify({ collected: Bun !== undefined || gc !== undefined }));
  });
  process.stdin.on("end", () => process.exit(0));
}

/** The port of a TCP address. */
export function portOf(address: Address): number {
  if (address.transport === "tcp") return address.port;
  throw new Error(`find the port: the server listens on ${address.path}`);
}

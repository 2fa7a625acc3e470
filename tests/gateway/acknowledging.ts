// A gateway whose endpoint acknowledges, and devices of bytes that talk to it.
import { connect } from "../../src/client/connect.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { raw } from "../../src/core/framing/raw.ts";
import type { Adapter } from "../../src/core/transport.ts";
import type { GatewayEndpoint } from "../../src/gateway/endpoint.ts";
import type { Cleaner } from "../support/program.ts";
import { HeldStore } from "./held_store.ts";
import { soon, startEcho } from "./support.ts";

type Device = Connection<Uint8Array>;

export const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
export const hexOf = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const textHex = (text: string): string => hexOf(new TextEncoder().encode(text));
export const mllpBlock = (text: string): string => `0b${textHex(text)}1c0d`;

/** What a device has received, as hex, once it is so many bytes; or at the end. */
export async function received(device: Device, count: number = Infinity): Promise<string> {
  let found = "";
  const all = async (): Promise<void> => {
    if (count === 0) return;
    for await (const chunk of device) if ((found += hexOf(chunk)).length >= count * 2) return;
  };
  await soon(all(), `${count} bytes, after ${found}`);
  return found;
}

/** A gateway on a bus in memory, or on a store in the hands of the test. */
interface Plant {
  readonly store: HeldStore;
  readonly endpoint: GatewayEndpoint;
  /** What was published to the bus in memory. */
  readonly messages: Uint8Array[];
  device(): Promise<Device>;
}

/** Starts one. */
export async function plant(
  t: Cleaner,
  endpoint: object,
  { adapter, stores = false }: { readonly adapter?: Adapter; readonly stores?: boolean } = {},
): Promise<Plant> {
  const store = new HeldStore();
  const messages: Uint8Array[] = [];
  const { gateway, port } = await startEcho(
    endpoint,
    { bus: stores ? "jetstream" : "memory" },
    { adapter, bus: stores ? store.bus : undefined },
  );
  t.after(() => gateway.destroy());
  gateway.bus.subscribe("millrace.echo.in", ({ payload }) => void messages.push(payload));
  const device = (): Promise<Device> => connect({ port, framing: raw(), adapter });
  return { store, messages, device, endpoint: gateway.endpoints.get("echo")! };
}

/**
 * The NATS client's own packages, which not everybody has: they are loaded where a configuration asks for them.
 *
 * Used by the files of this folder.
 */
import { BusError } from "../../errors.ts";

export type Nats = typeof import("@nats-io/transport-node");
export type JetStream = typeof import("@nats-io/jetstream");

/** Rejects with `BusError` `not_installed`. */
export function loadNats(): Promise<Nats> {
  return installed("@nats-io/transport-node", () => import("@nats-io/transport-node"));
}

/** The same for JetStream. */
export function loadJetStream(): Promise<JetStream> {
  return installed("@nats-io/jetstream", () => import("@nats-io/jetstream"));
}

async function installed<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const text = `the bus needs the package ${name}: npm install @nats-io/transport-node @nats-io/jetstream`;
    throw new BusError("not_installed", text, { cause });
  }
}

/** The NATS client's own packages, loaded for the files of this folder. */
import { installed } from "../installed.ts";

export type Nats = typeof import("@nats-io/transport-node");
export type JetStream = typeof import("@nats-io/jetstream");

const packages = "@nats-io/transport-node @nats-io/jetstream";

/** Rejects with `BusError` `not_installed`. */
export function loadNats(): Promise<Nats> {
  return installed("@nats-io/transport-node", () => import("@nats-io/transport-node"), packages);
}

/** The same for JetStream. */
export function loadJetStream(): Promise<JetStream> {
  return installed("@nats-io/jetstream", () => import("@nats-io/jetstream"), packages);
}

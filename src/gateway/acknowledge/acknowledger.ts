/** The acknowledgements of one endpoint: its counters, and who has the frames of which connection. */
import type { FrameConnection } from "../endpoint.ts";
import type { Acknowledge } from "./acknowledge.ts";
import { type AcknowledgerOwner, ConnectionAcknowledger } from "./connection_acknowledger.ts";

/** Those of one endpoint. */
export class Acknowledger implements AcknowledgerOwner {
  acks = 0;
  naks = 0;
  /** What peers said of the frames that they were sent. */
  acksReceived = 0;
  naksReceived = 0;
  readonly settings: Acknowledge;
  readonly dismiss: AcknowledgerOwner["dismiss"];
  readonly #open: WeakMap<FrameConnection, ConnectionAcknowledger> = new WeakMap();

  constructor(settings: Acknowledge, dismiss: AcknowledgerOwner["dismiss"]) {
    this.settings = settings;
    this.dismiss = dismiss;
  }

  /** Begins with the first frame of a connection. */
  begin(connection: FrameConnection): ConnectionAcknowledger {
    const own = new ConnectionAcknowledger(connection, this);
    this.#open.set(connection, own);
    return own;
  }

  of(connection: FrameConnection): ConnectionAcknowledger | undefined {
    return this.#open.get(connection);
  }

  /** The same, begun where it has not. */
  for(connection: FrameConnection): ConnectionAcknowledger {
    return this.of(connection) ?? this.begin(connection);
  }

  /** The framing of a connection has refused bytes. */
  refused(connection: FrameConnection): void {
    this.for(connection).refuse();
  }
}

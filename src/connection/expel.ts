/**
 * Ending a connection by order, with last words if there are any: FIN behind everything that was sent, or a reset.
 *
 * Called by a server's `kill`. The peer gets `closeTimeout` for what is owed, as at any other end.
 */
import type { Delivery } from "./delivery.ts";
import type { Life } from "./life.ts";
import { hopes, lostError } from "./termination.ts";

/** The order. */
interface Expulsion {
  /** Goes into the record, as does the code. */
  readonly message: string | undefined;
  readonly code: string | undefined;
  /** One encoded frame; the last that is sent. */
  readonly words: Uint8Array | undefined;
  /** RST in the place of FIN, where the runtime can. */
  readonly reset: boolean;
}

/** The session that it ends. */
interface Expelled {
  readonly id: string;
  readonly life: Life;
  readonly pipeline: { discard(): void };
  readonly delivery: Pick<Delivery<never>, "stop">;
  readonly outbox: { refuse(error: ReturnType<Life["closedError"]>): void };
  sendEncoded(bytes: Uint8Array): void;
  whenFlushed(): Promise<void>;
}

/** Ends it; nothing that it receives reaches its handler any more. */
export function expel(session: Expelled, { message, code, words, reset }: Expulsion): void {
  const { life, delivery, pipeline, outbox } = session;
  const drop = (): void => life.destroy("killed", { message, code });
  if (reset && (words === undefined || life.leaving)) return drop();
  if (life.state === "closed") return;
  if (life.ending !== undefined && hopes.includes(life.ending.reason)) life.ending = undefined;
  life.mark("killed", "local", undefined, message, code);
  if (words !== undefined) session.sendEncoded(words);
  if (!reset) return life.finish("killed", "local", undefined, message, code);
  life.wind("killed", "local", undefined, message, code);
  delivery.stop(lostError(session.id, life.ending!));
  pipeline.discard();
  outbox.refuse(life.closedError("it is being closed"));
  session.whenFlushed().then(drop, () => {});
}

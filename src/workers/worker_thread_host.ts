/**
 * A worker at work: takes records from the main thread, has a session for each connection, and gathers what is to be told
 * until the end of the turn.
 *
 * Made by `serve_in_worker.ts`.
 */
import type { ConnectionProfile } from "../connection/profile.ts";
import { Registry } from "../connection/registry.ts";
import type { Session } from "../connection/session.ts";
import type { Retiring } from "../connection/termination.ts";
import { SocketError } from "../core/errors.ts";
import { systemClock } from "../core/time/clock.ts";
import { Deadline } from "../core/time/deadline.ts";
import type { TurnMember } from "../core/time/turn.ts";
import type { ParentThread } from "../host/worker_thread.ts";
import { errorText } from "../host/standard_log.ts";
import { causeOf, type EndingMessage } from "./ending_message.ts";
import { MessageWriter, Op, type OpenMessage, readMessage } from "./thread_message.ts";
import { type TransportOwner, WorkerTransport } from "./worker_transport.ts";

/** So many bytes are told before the turn is over. */
const mostGathered = 256 * 1024;
/** How often connections that have work left are looked at, in ms. */
const lookMs = 250;

/** The registry, which also knows when the last handler of a connection that is gone has returned. */
class WorkerRegistry<Received, Sent, Context> extends Registry<Received, Sent, Context> {
  onHandlerEnded: (session: Session<Received, Sent, Context>) => void = () => {};

  override handlerEnded(session: Session<Received, Sent, Context>): void {
    super.handlerEnded(session);
    if (session.record !== undefined) this.onHandlerEnded(session);
  }
}

/** The worker of this thread. */
export class WorkerThreadHost<Received, Sent, Context> implements TransportOwner, TurnMember {
  readonly writer: MessageWriter = new MessageWriter();
  readonly #parent: ParentThread;
  readonly #profile: ConnectionProfile<Received, Sent, Context>;
  readonly #onClose: (() => void | Promise<void>) | undefined;
  readonly #registry: WorkerRegistry<Received, Sent, Context>;
  readonly #transports: Map<number, WorkerTransport> = new Map();
  /** Their numbers, by session: until the handler has returned too. */
  readonly #numbers: Map<Session<Received, Sent, Context>, number> = new Map();
  /** Profiles of other protocols of the server. */
  readonly #profiles: Map<string, ConnectionProfile<Received, Sent, Context>> = new Map();
  #opening: WorkerTransport | undefined = undefined;
  #members: WorkerTransport[] = [];
  #inTurn = false;
  /** Those that have work left. */
  readonly #working: Set<WorkerTransport> = new Set();
  readonly #look: Deadline;
  #looking = false;

  constructor(
    parent: ParentThread,
    profile: ConnectionProfile<Received, Sent, Context>,
    onClose: (() => void | Promise<void>) | undefined,
  ) {
    this.#parent = parent;
    this.#profile = profile;
    this.#onClose = onClose;
    const log = (message: string, fields: object): void => {
      this.writer.object(Op.log, 0, { message, fields });
      this.#joinTurn();
    };
    this.#registry = new WorkerRegistry<Received, Sent, Context>(systemClock, [{
      opened: (session) => this.#opened(session),
      closed: (session) => {
        if (!session.handling) this.#over(session);
      },
      frameFailed: ({ id, frameErrors }, { reason, message, offset, looksLike }, last) => {
        // One record for a connection that skips bad frames, and one for the frame that ends it.
        if (last || frameErrors === 1) {
          log("frame error", { "conn.id": id, reason, error: message, offset, looksLike });
        }
      },
      handlerFailed: ({ id }, error) => log("handler failed", { "conn.id": id, error: errorText(error) }),
    }]);
    this.#registry.onHandlerEnded = (session) => this.#over(session);
    this.#look = new Deadline(this.#registry.wheel, () => this.#lookAgain());
  }

  /** The main thread may give it connections. */
  ready(): void {
    this.writer.record(Op.ready, 0, 0);
    this.#post();
  }

  /** A message of the main thread. */
  take(message: unknown): void {
    readMessage(message, (op, number, value, what) => this.#take(op, number, value, what));
  }

  join(transport: WorkerTransport): void {
    if (!transport.joined) {
      transport.joined = true;
      this.#members.push(transport);
    }
    if (this.writer.length >= mostGathered) this.#post();
    this.#joinTurn();
  }

  forget(transport: WorkerTransport): void {
    this.#transports.delete(transport.number);
    this.#working.delete(transport);
  }

  endTurn(): void {
    this.#inTurn = false;
    // What is told may end connections, which then have something to tell.
    while (this.#members.length > 0) {
      const members = this.#members;
      this.#members = [];
      for (const transport of members) {
        if (transport.tell()) this.#working.delete(transport);
        else this.#working.add(transport);
      }
    }
    this.#post();
    if (this.#working.size > 0 && !this.#looking) {
      this.#looking = true;
      this.#look.set(lookMs);
    }
  }

  #post(): void {
    this.writer.flush((message, transfer) => this.#parent.post(message, transfer));
  }

  #joinTurn(): void {
    if (this.#inTurn) return;
    this.#inTurn = true;
    this.#registry.turn.join(this);
  }

  #lookAgain(): void {
    this.#looking = false;
    for (const transport of this.#working) this.join(transport);
  }

  #take(op: number, number: number, value: number, what: unknown): void {
    if (op === Op.open) return this.#open(number, what as OpenMessage);
    if (op === Op.ping) return this.#tellStats();
    if (op === Op.bye) return void this.#leave();
    const transport = this.#transports.get(number);
    if (transport === undefined) return;
    const session = transport.session as Session<Received, Sent, Context> | undefined;
    if (op === Op.data) transport.receive(what as Uint8Array);
    else if (op === Op.taken) transport.takes(value);
    else if (op === Op.end) transport.peerEnded();
    else if (op === Op.drain) this.#drain(transport, session!, what as Retiring);
    else if (op === Op.close) {
      this.#close(transport, session!, what as EndingMessage & { readonly clean: boolean });
    } else if (op === Op.stop) this.#stop(transport, session!);
  }

  #open(number: number, { id, peer, protocol }: OpenMessage): void {
    const transport = new WorkerTransport(number, peer, id, this);
    this.#transports.set(number, transport);
    this.#opening = transport;
    this.#registry.open(transport, this.#profileOf(protocol));
    this.#opening = undefined;
  }

  #opened(session: Session<Received, Sent, Context>): void {
    const transport = this.#opening!;
    transport.session = session as unknown as Session<never, never, unknown>;
    this.#numbers.set(session, transport.number);
    // Its end has begun: the main thread hears why, if our FIN is on its way already.
    session.life.onSignal(() => this.join(transport));
  }

  #profileOf(protocol: string | undefined): ConnectionProfile<Received, Sent, Context> {
    if (protocol === undefined) return this.#profile;
    let profile = this.#profiles.get(protocol);
    if (profile === undefined) this.#profiles.set(protocol, profile = { ...this.#profile, protocol });
    return profile;
  }

  /** Over, and no handler runs. */
  #over(session: Session<Received, Sent, Context>): void {
    const number = this.#numbers.get(session);
    if (number === undefined) return;
    this.#numbers.delete(session);
    this.writer.record(Op.over, number, 0);
    this.#joinTurn();
  }

  #drain(transport: WorkerTransport, session: Session<Received, Sent, Context>, reason: Retiring): void {
    transport.readsUntil = this.#registry.clock.now() + (session.retire(reason) ?? 0);
  }

  /** Stops reading at the next boundary, when the peer has had the time to read the goodbye. */
  #stop({ readsUntil }: WorkerTransport, { pipeline }: Session<Received, Sent, Context>): void {
    const { clock, wheel } = this.#registry;
    const left = readsUntil - clock.now();
    if (left <= 0) pipeline.stopAtBoundary();
    else new Deadline(wheel, () => pipeline.stopAtBoundary()).set(left);
  }

  #close(
    transport: WorkerTransport,
    session: Session<Received, Sent, Context>,
    ending: EndingMessage & { readonly clean: boolean },
  ): void {
    const { life } = session;
    const cause = causeOf(ending);
    const [reason, , error, message, code] = cause;
    const socketError = error instanceof SocketError ? error : undefined;
    const leaving = life.state === "closing" || reason === "peer_closed" || reason === "probe";
    // First, so that the end of the session is no abort of the socket, which leaves in its own way.
    transport.closed(ending.clean ? undefined : socketError);
    if (!leaving && socketError === undefined) {
      life.destroy(reason, { message, code, ...(error && { error }) });
    }
  }

  #tellStats(): void {
    const { framesReceived, framesSent, framesDropped, frameErrors, handlerErrors, heldBytes } = this
      .#registry
      .totals();
    const totals = { framesReceived, framesSent, framesDropped, frameErrors, handlerErrors, heldBytes };
    this.writer.object(Op.stats, 0, totals);
    this.#joinTurn();
  }

  async #leave(): Promise<void> {
    try {
      await this.#onClose?.();
    } catch (error) {
      this.writer.object(Op.log, 0, { message: "onClose failed", fields: { error: errorText(error) } });
    }
    this.#tellStats();
    this.writer.record(Op.gone, 0, 0);
    this.#joinTurn();
  }
}

/**
 * One loop over a connection's frames, singly or in batches. Used by `connection.ts` and `connection_streams.ts`; the session
 * knows what asking for frames sets going.
 */
import type { Inbox } from "../core/flow/inbox.ts";

/** One step of a loop. */
type Step<Read> = IteratorResult<Read, undefined>;

/** Where frames come from: a session. */
export interface InboxSource<Received> {
  readonly delivery: { readonly inbox: Pick<Inbox<Received>, "withdraw"> };
  read<Read>(take: (inbox: Inbox<Received>) => Read): Read;
}

/** A step of one frame. */
export function oneFrame<Received>(inbox: Inbox<Received>): Promise<Step<Received>> {
  return inbox.next();
}

/** A step of the frames that are there. */
export function waitingFrames<Received>(inbox: Inbox<Received>): Promise<Step<Received[]>> {
  return inbox.nextMany();
}

/** An iterator; leaving it leaves the frames in place. */
export class InboxReader<Received, Read> implements AsyncIterator<Read, undefined> {
  readonly #source: InboxSource<Received>;
  readonly #take: (inbox: Inbox<Received>) => Promise<Step<Read>>;
  #left = false;
  #last: Promise<Step<Read>> | undefined = undefined;

  constructor(source: InboxSource<Received>, take: (inbox: Inbox<Received>) => Promise<Step<Read>>) {
    this.#source = source;
    this.#take = take;
  }

  next(): Promise<Step<Read>> {
    if (this.#left) return Promise.resolve({ value: undefined, done: true });
    return this.#last = this.#source.read(this.#take);
  }

  /** For readers that may be interrupted: what `take` finds, at once. */
  read<Found>(take: (inbox: Inbox<Received>) => Found): Found {
    return this.#source.read(take);
  }

  /** Such a reader waits no longer for what `look` gave it. */
  withdraw(looking: Promise<unknown>): void {
    this.#source.delivery.inbox.withdraw(looking);
  }

  return(): Promise<Step<Read>> {
    this.#left = true;
    this.#source.delivery.inbox.withdraw(this.#last);
    this.#last = undefined;
    return Promise.resolve({ value: undefined, done: true });
  }
}

// A bus that stores what a test lets it store, when the test says so.
import type { MillraceError } from "../../src/core/errors.ts";
import type { Bus, BusMessage, PublishObserver } from "../../src/gateway/buses/bus.ts";
import { memoryBus } from "../../src/gateway/buses/memory_bus.ts";
import { soon } from "./support.ts";

/** Messages that were published and are neither stored nor refused. */
export class HeldStore {
  readonly bus: Bus;
  readonly waiting: { readonly message: BusMessage; readonly observer: PublishObserver | undefined }[] = [];
  /** What `publish` rejects with, where it does. */
  rejects: MillraceError | undefined = undefined;
  #wake: (() => void) | undefined = undefined;

  constructor() {
    const memory = memoryBus();
    this.bus = Object.assign(Object.create(memory) as Bus, {
      name: memory.name,
      failed: memory.failed,
      stores: () => true,
      publish: (message: BusMessage, observer?: PublishObserver) => {
        if (this.rejects !== undefined) return Promise.reject(this.rejects);
        this.waiting.push({ message, observer });
        this.#wake?.();
        return undefined;
      },
      subscribe: memory.subscribe.bind(memory),
      request: memory.request.bind(memory),
      stats: memory.stats.bind(memory),
      flush: memory.flush.bind(memory),
      close: memory.close.bind(memory),
    });
  }

  /** Resolves when so many wait. */
  until(count: number): Promise<void> {
    const all = async (): Promise<void> => {
      while (this.waiting.length < count) await new Promise<void>((resolve) => this.#wake = resolve);
    };
    return soon(all(), `${count} messages to be published`);
  }

  /** The one at this place is stored; or refused, with an error. */
  settle(at: number, error?: MillraceError): void {
    const [{ message, observer } = { message: undefined, observer: undefined }] = this.waiting.splice(at, 1);
    if (message === undefined) throw new Error(`no message at ${at}`);
    if (error === undefined) observer?.stored?.(message);
    else observer?.failed?.(message, error);
  }
}

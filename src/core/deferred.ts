/**
 * Promises whose failure brings nobody down who does not await them, as a connection's peer or a reader of the output
 * must not be able to end the process.
 */

/** A promise that is settled from outside, for all who wait for the same. */
export interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** One that is open still. */
export function deferred(): Deferred {
  let resolve!: () => void, reject!: (error: Error) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** One that has failed. */
export function refused(error: Error): Promise<void> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}

/** What a pool or a balancer tells of its targets. */

/** Something that happened to a target; `target` is its address as text. */
export type PoolEvent =
  | {
    /** A target joined or is gone, or its breaker opened, tries one connection, or closed. */
    readonly type: "added" | "removed" | "opened" | "half-open" | "closed";
    /** Its address. */
    readonly target: string;
  }
  | {
    /** No connection could be made, a check failed, or a connection broke while it was lent. */
    readonly type: "connect_failed" | "check_failed" | "broke";
    /** Its address. */
    readonly target: string;
    /** Why. */
    readonly error: unknown;
  }
  | {
    /** A name could not be looked up; its addresses stay what they were. */
    readonly type: "resolve_failed";
    /** The name. */
    readonly target: string;
    /** Why. */
    readonly error: unknown;
  };

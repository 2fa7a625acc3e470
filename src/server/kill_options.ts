/** How a connection is ended by order, and what an order says of itself. */
import type { DurationInput } from "../core/time/duration.ts";

/** How `server.kill` ends a connection. */
export interface KillOptions<Sent> {
  /** Why, in words. */
  readonly reason?: string | undefined;
  /** Why, for programs. */
  readonly code?: string | undefined;
  /** Who ordered it, such as the name of an operator. */
  readonly by?: string | undefined;
  /**
   * One frame that is sent last, behind everything that was sent before; the peer has `closeTimeout` to take it. A
   * peer that is too slow for its `egressPolicy` may not get it.
   */
  readonly lastWords?: Sent | undefined;
  /**
   * End it with RST, where the runtime can, rather than FIN. What the peer has not read by then may be lost to it, the
   * last words too. @default true without `lastWords`, false with them
   */
  readonly reset?: boolean | undefined;
  /**
   * Ban its address (or network, see `addressPrefix`) for this long; `Infinity` until it is lifted. Other connections
   * of the address stay open. At most 4,096 are banned at one time: past that, the ban that would end first is
   * lifted. @default no ban
   */
  readonly ban?: DurationInput | undefined;
}

/** Who gave an order, and why. */
export type OrderReason = Pick<KillOptions<never>, "reason" | "code" | "by">;

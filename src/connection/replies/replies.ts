/** `replies`: an `onFrame` of a function that returns the reply, or a promise of it. */
import { checkFlag, checkInteger, OptionsCheck } from "../../core/options.ts";
import type { Connection } from "../connection.ts";
import type { OnFrame } from "../connection_options.ts";
import type { Session } from "../session.ts";
import { SessionConnection } from "../session_connection.ts";
import { OwedReplies } from "./owed_replies.ts";
import type { RepliesCounts, RepliesOptions, RepliesStats } from "./replies_options.ts";

/**
 * Makes an `onFrame` of a function that is called with each request and returns its reply, a promise of it, or undefined
 * for none. Handlers of one connection run at the same time, and their replies leave in the order of the requests. Its
 * reading stops while `window` of them are at work. A drain, and a peer that has sent FIN, get the replies that are owed.
 *
 * @example The second request is done first, and its reply waits for that of the first
 * ```ts
 * import { lines, replies, serve } from "@millrace/millrace";
 *
 * const onFrame = replies(async (line: string) => {
 *   if (line === "slow") await new Promise((resolve) => setTimeout(resolve, 50));
 *   return `done: ${line}`;
 * });
 * const server = await serve({ port: 0, framing: lines({ encoding: "utf-8" }), onFrame });
 * console.log(onFrame.stats().requests); // 0
 * await server.close();
 * ```
 *
 * @throws {OptionsError} `invalid`
 */
export function replies<Received, Sent = Received, Context = undefined>(
  handler: (
    request: Received,
    connection: Connection<Received, Sent, Context>,
  ) => Sent | undefined | void | Promise<Sent | undefined | void>,
  options: RepliesOptions<Received, Sent, Context> = {},
): OnFrame<Received, Sent, Context> & {
  /** The counters at this moment, over all connections. */
  stats(): RepliesStats;
} {
  const check = new OptionsCheck();
  check.keys(options, ["inOrder", "window", "onError"]);
  check.functions({ handler, onError: options.onError }, ["handler", "onError"]);
  if (handler === undefined) check.refuse("handler", handler, "a function");
  checkFlag(check, "inOrder", options.inOrder);
  const { inOrder = true, onError } = options;
  const settings = {
    handler,
    inOrder,
    onError,
    window: checkInteger(check, "window", options.window, 64, 1),
  };
  check.done();
  const counts: RepliesCounts = { open: 0, requests: 0, replies: 0, failed: 0, lost: 0 };
  const owed = new WeakMap<object, OwedReplies<Received, Sent, Context>>();
  const make = (connection: Connection<Received, Sent, Context>): OwedReplies<Received, Sent, Context> => {
    const session = SessionConnection.sessionOf(connection) as unknown as Session<Received, Sent, Context>;
    const made = new OwedReplies(connection, session, settings, counts);
    owed.set(connection, made);
    return made;
  };
  const onFrame = (
    request: Received,
    connection: Connection<Received, Sent, Context>,
  ): void | Promise<void> => (owed.get(connection) ?? make(connection)).request(request);
  return Object.assign(onFrame, { stats: (): RepliesStats => ({ ...counts }) });
}

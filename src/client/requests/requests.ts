/** `requests`: requests and replies over a connection, or over those of a reconnecting client. */
import { freeSession } from "../../connection/frame_taker.ts";
import type { Connection } from "../../connection/connection.ts";
import { ClientFace } from "../reconnecting/client_face.ts";
import type { ReconnectingClient } from "../reconnecting/reconnecting_client.ts";
import type { RequestClient } from "./request_client.ts";
import type { RequestsOptions } from "./request_options.ts";
import { resolveRequests } from "./request_settings.ts";
import { Requester } from "./requester.ts";

/**
 * Sends requests over a connection and matches frames that come back with them: in order, or by a key in the frames. It
 * takes all frames of the connection from now on, so that a loop that read a greeting must have been left. A reply that
 * comes too late is counted, and never given to another request.
 *
 * Over a reconnecting client, requests wait for a connection where there is none; those that were sent fail with the
 * connection that they were sent on.
 *
 * @example Three requests at once, and their replies
 * ```ts
 * import { connect, lines, serve } from "@millrace/millrace";
 * import { requests } from "@millrace/millrace/client";
 *
 * const framing = lines({ encoding: "utf-8" });
 * await using server = await serve({
 *   port: 0,
 *   framing,
 *   onFrame: (name, connection) => connection.send(`hello, ${name}`),
 * });
 * await using client = requests(await connect({ port: server.address.port, framing }), { timeout: "5 seconds" });
 * const greetings = await Promise.all(["Ada", "Grace", "Mary"].map((name) => client.request(name)));
 * console.log(greetings.join("; ")); // hello, Ada; hello, Grace; hello, Mary
 * ```
 *
 * @throws {OptionsError} `invalid` for invalid options; `conflict` for a connection with `onFrame`, `allowHalfOpen` or a
 * loop that waits for frames, or whose `egressPolicy` drops frames
 */
export function requests<Received, Sent = Received>(
  link: Connection<Received, Sent, unknown> | ReconnectingClient<Received, Sent, unknown>,
  options: RequestsOptions<Received, Sent> = {},
): RequestClient<Received, Sent> {
  const settings = resolveRequests(options);
  const wheel = ClientFace.wheelOf(link);
  if (wheel !== undefined) {
    const requester = new Requester(settings, wheel, link, true);
    void followAll(link as ReconnectingClient<Received, Sent, unknown>, requester);
    return requester;
  }
  const connection = link as Connection<Received, Sent, unknown>;
  const requester = new Requester(settings, freeSession(connection, "connection").wheel, link, false);
  requester.attach(connection, (record) => requester.end(record.error));
  return requester;
}

/** One connection after the other. */
async function followAll<Received, Sent>(
  link: ReconnectingClient<Received, Sent, unknown>,
  requester: Requester<Received, Sent>,
): Promise<void> {
  try {
    for (;;) {
      const connection = await link.connected;
      await new Promise<unknown>((ended) => requester.attach(connection, ended));
    }
  } catch (error) {
    requester.end(error);
  }
}

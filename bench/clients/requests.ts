/** Millrace requests in order over one connection, defaults otherwise. */
import { connect } from "../../src/client/connect.ts";
import { requests } from "../../src/client/requests/requests.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { order, runCallers } from "./callers.ts";

const client = requests(await connect({ port: order.port, framing: lines() }));
await runCallers((line) => client.request(line));

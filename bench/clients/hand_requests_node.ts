/** Requests by hand on `node:net`, which keeps what it writes until the kernel has it. */
import { connect } from "node:net";
import { order, runCallers } from "./callers.ts";
import { HandRequests } from "./hand_requests.ts";

const socket = connect({ port: order.port, host: "127.0.0.1", noDelay: true });
const requests = new HandRequests((bytes) => void socket.write(new Uint8Array(bytes)));
socket.on("data", (bytes) => requests.received(bytes, true));
await new Promise((resolve) => socket.once("connect", resolve));
await runCallers((line) => requests.ask(line));

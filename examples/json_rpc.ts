// JSON-RPC 2.0 over NDJSON. Calls of one connection run at the same time, answers come when they are ready, and both sides have
// time limits: one second on the server, and on the client what each call says.
import { setTimeout as sleep } from "node:timers/promises";
import { connect, replies, serve } from "millrace";
import { requests } from "millrace/client";
import { ndjson } from "millrace/protocols";

interface Message {
  readonly jsonrpc: "2.0";
  readonly id?: number | null;
  readonly method?: string;
  readonly params?: readonly unknown[];
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}
type Method = (params: readonly unknown[], signal: AbortSignal) => unknown;

const methods = new Map<string | undefined, Method>([
  ["add", (params) => params.reduce<number>((sum, each) => sum + Number(each), 0)],
  ["wait", ([ms], signal) => sleep(Number(ms), `waited ${ms} ms`, { signal })],
]);

async function answer(
  { id, method, params = [] }: Message,
  closing: AbortSignal,
): Promise<Message | undefined> {
  let outcome: Pick<Message, "result" | "error">;
  try {
    const run = methods.get(method);
    outcome = run === undefined
      ? { error: { code: -32601, message: `there is no method ${method}` } }
      : { result: await run(params, AbortSignal.any([closing, AbortSignal.timeout(1000)])) };
  } catch (error) {
    outcome = { error: { code: -32000, message: String(error) } };
  }
  return id === undefined ? undefined : { jsonrpc: "2.0", id, ...outcome };
}

const framing = ndjson<Message>();
const onFrame = replies<Message>((call, { signal }) => answer(call, signal), { inOrder: false, window: 100 });
const server = await serve({ port: 0, host: "127.0.0.1", framing, onFrame });
const client = requests(await connect({ address: server.address, framing }), {
  timeout: "5 seconds",
  key: { assign: (call, id) => ({ ...call, id }), ofReply: ({ id }) => id ?? undefined },
});

async function show(method: string, params: readonly unknown[], timeout?: `${number}ms`): Promise<void> {
  const call = client.request({ jsonrpc: "2.0", method, params }, { timeout });
  const said = await call.then(({ result, error }) => error ?? result, String);
  console.log(method, params.join(", "), "→", JSON.stringify(said));
}
await Promise.all([show("wait", [300]), show("add", [2, 3]), show("divide", [1, 0])]);
await Promise.all([show("wait", [5000]), show("wait", [900], "100ms")]);
await client.close();
await server.close();

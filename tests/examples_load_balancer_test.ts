// The load balancer in examples/, as a process between clients and servers that speak the PROXY protocol.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Server } from "../src/server/server.ts";
import { lines } from "../src/core/framing/lines.ts";
import { Program } from "./support/program.ts";
import { Real } from "./support/server.ts";

const framing = lines({ encoding: "utf-8" });

test("examples: the load balancer shares clients out, names them, passes FIN on both ways, and survives a target (F-38)", async (t) => {
  const place = await Real.at(t);
  const answering = (name: string, port = 0): Promise<Server<string>> =>
    place.serve({
      port,
      framing,
      proxyProtocol: { from: ["127.0.0.1"] },
      handler: async (connection) => {
        const seen: string[] = [];
        // The answer comes once the client has ended its side.
        for await (const line of connection) seen.push(line);
        await connection.send(`${name} ${connection.peer.port} ${seen.join(",")}`);
      },
    });
  const servers = [await answering("one"), await answering("two")];
  const addresses = servers.map(({ address }) =>
    address.transport === "tcp" ? `${address.host}:${address.port}` : ""
  );
  const program = new Program(t, "examples/load_balancer.ts", ["0", ...addresses]);
  const [, port] = await program.said("out", /port: (\d+)/);
  const to = { address: { transport: "tcp", host: "127.0.0.1", port: Number(port) } } as const;
  const visit = async (line: string): Promise<string> => {
    const client = await place.connect(to, { framing, allowHalfOpen: true });
    await client.send(line);
    client.end();
    const got: string[] = [];
    for await (const answer of client) got.push(answer);
    const { local } = client.peer;
    const [name, seen, said] = got.join().split(" ");
    assert.deepEqual([Number(seen), said], [local.transport === "tcp" ? local.port : 0, line]);
    return name!;
  };
  const names = new Set<string>();
  for (let count = 0; count < 6; count++) {
    names.add(await place.drive(visit(`line ${count}`.replace(" ", "-"))));
  }
  assert.deepEqual([...names].sort(), ["one", "two"]);

  await place.drive(servers[0]!.close());
  for (let count = 0; count < 4; count++) assert.equal(await place.drive(visit("still")), "two");
  await program.said("out", new RegExp(`opened ${addresses[0]}`));
  await answering("one", Number(addresses[0]!.split(":")[1]));
  await program.said("out", new RegExp(`closed ${addresses[0]}`));
  const again = new Set<string>();
  for (let count = 0; count < 6; count++) again.add(await place.drive(visit("back")));
  assert.deepEqual([...again].sort(), ["one", "two"]);

  program.signal("SIGTERM");
  const { code, err } = await program.end();
  assert.deepEqual([code, err.replace(/^.*"level":"(?:info|warn)".*\n/gm, "")], [0, ""]);
});

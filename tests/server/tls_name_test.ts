// The name that a client asks for, on the wire.
import assert from "node:assert/strict";
import { certificates } from "../../src/certificates/certificates.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";
import { it } from "../support/it.ts";
import { Real } from "../support/server.ts";

it("S-48: a server is asked for by A-labels without a dot at the end, whatever is written", async (t) => {
  const framing = lines({ encoding: "utf-8" });
  const set = certificates({ main: await serverPair(), books: await serverPair("*.xn--bcher-kva.example") });
  const place = await Real.at(t);
  const seen: (string | undefined)[] = [];
  const server = await place.serve<string>({
    framing,
    tls: set,
    onConnect: ({ peer }) => void seen.push(peer.tls?.serverName),
    onFrame: (line, connection) => connection.send(line),
  });
  const { cert: ca } = await testAuthority();
  for (const serverName of ["a.Bücher.example.", "A.xn--bcher-kva.EXAMPLE", "a.bücher.example"]) {
    const client = await place.connect<string>(server, { framing, tls: { ca, serverName } });
    assert.deepEqual(client.peer.tls?.certificate?.subjectAltNames, ["DNS:*.xn--bcher-kva.example"]);
    await client.send("there");
    for await (const line of client) {
      assert.equal(line, "there");
      break;
    }
    assert.equal(seen.at(-1), "a.xn--bcher-kva.example");
  }
});

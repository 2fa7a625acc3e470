/**
 * Millrace echo of lines, each of which costs some work, in so many processes on one socket that the first one holds; each
 * process on a processor of its own.
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { holdSocket, inheritedByNumber } from "../../src/adapters/held.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { membership, tellReady } from "../../src/host/member.ts";
import { setCpus } from "../../src/host/scheduling.ts";
import { startSuccessor } from "../../src/host/successor.ts";
import { serve } from "../../src/server/serve.ts";
import { ready } from "./ready.ts";

/** As much as a handler that parses and signs what it is sent. */
const rounds = 100;

/** Serves. */
export async function serveIn(count: number): Promise<void> {
  const member = membership();
  if (member !== undefined) {
    await serve({
      fd: member.sockets.get("echo")!,
      framing: lines(),
      onFrame: (frame, connection) => {
        let digest: Uint8Array = frame;
        for (let round = 0; round < rounds; round++) digest = createHash("sha256").update(digest).digest();
        return digest.length > 0 ? connection.send(frame) : undefined;
      },
    });
    tellReady();
    return;
  }
  // A port that is free.
  const probe = await serve({ port: 0, framing: lines(), onFrame() {} });
  const { address } = probe;
  await probe.close();
  const held = await holdSocket({ address });
  const children = Array.from({ length: count }, (_, index) =>
    startSuccessor({
      sockets: new Map([["echo", held.descriptor]]),
      byNumber: inheritedByNumber,
      number: index + 1,
    }));
  for (const [index, child] of children.entries()) {
    for (const output of child.outputs) output.pipe(process.stderr);
    await setCpus(child.pid, `${index}`);
  }
  await Promise.all(children.map((child) => child.ready));
  if (address.transport === "tcp") ready(address.port);
}

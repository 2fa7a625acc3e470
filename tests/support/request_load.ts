// Requests on connections of their own while a program is restarted: each must be answered.
import assert from "node:assert/strict";
import { connect, lines, SocketError } from "../../mod.ts";
import type { Address } from "../../src/core/transport.ts";

/** What became of requests, each on a connection of its own. */
interface Tally {
  answered: number;
  readonly failures: string[];
}

export async function request(address: Address, text: string): Promise<string> {
  const place = address.transport === "unix"
    ? { path: address.path }
    : { host: address.host, port: address.port };
  const connection = await connect({ ...place, framing: lines({ encoding: "utf-8" }) });
  try {
    await connection.send(text);
    for await (const answer of connection) return answer;
    return "no answer";
  } finally {
    await connection.close();
  }
}

/** Makes requests until it is told to stop. */
async function load(address: Address, go: () => boolean, tally: Tally): Promise<void> {
  for (let number = 0; go(); number++) {
    try {
      const answer = await request(address, `${number}`);
      if (answer === `${number}`) tally.answered++;
      else tally.failures.push(`${number}: ${answer}`);
    } catch (error) {
      tally.failures.push(error instanceof SocketError ? error.message : String(error));
    }
  }
}

/** Four clients make requests until `work` is over, which may wait for 50 more answers; none may fail. Gives the answers. */
export async function whileLoaded(
  address: Address,
  work: (more: () => Promise<void>) => Promise<void>,
): Promise<number> {
  const tally: Tally = { answered: 0, failures: [] };
  let going = true;
  const clients = Array.from({ length: 4 }, () => load(address, () => going, tally));
  const more = async () => {
    const before = tally.answered;
    while (tally.answered < before + 50 && tally.failures.length === 0) {
      await new Promise((r) => setImmediate(r));
    }
  };
  try {
    await work(more);
  } finally {
    going = false;
    await Promise.all(clients);
  }
  assert.deepEqual(tally.failures, []);
  return tally.answered;
}

// What a gateway of several processes shows and prints as one.
import assert from "node:assert/strict";
import process from "node:process";
import { describe } from "node:test";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import { it } from "../../support/it.ts";
import {
  adminOf,
  echo,
  fetched,
  gateway,
  listening,
  long,
  open,
  serving,
  stopped,
  sum,
  values,
} from "../../support/processes.ts";
import { request } from "../../support/request_load.ts";

const adapter = await detectAdapter();

describe(`--processes, on ${adapter.name}`, () => {
  it(
    "one admin endpoint counts for all processes, and a counter never falls when one is replaced or dies (F-49)",
    long,
    async (t) => {
      const admin = { listen: "127.0.0.1:0" };
      // What is open stays open until the test ends it, however long the rest takes.
      const slow = { endpoints: [{ ...echo, lingerTimeout: "10m" }], shutdown: { deadline: "10m" }, admin };
      const { program, write } = gateway(t, { ...slow, processes: 2 });
      const address = await listening(program);
      await serving(program);
      const url = await adminOf(program);
      for (let number = 0; number < 20; number++) await request(address, `${number}`);
      const held = await open(t, address);
      const accepted = "millrace_connections_accepted_total";
      const before = await fetched(`${url}/metrics`);
      assert.equal(sum(values(before.text, accepted)), 21);
      assert.equal(sum(values(before.text, "millrace_connections_active")), 1);
      assert.deepEqual(values(before.text, "millrace_process_up"), [1, 1]);
      assert.deepEqual(values(before.text, "millrace_endpoint_ready"), [1, 1]);
      const { endpoints } = JSON.parse((await fetched(`${url}/connections`)).text) as {
        readonly endpoints: { readonly process: number; readonly connections: readonly object[] }[];
      };
      assert.deepEqual(endpoints.map((endpoint) => endpoint.process), [1, 2]);
      assert.equal(sum(endpoints.map(({ connections }) => connections.length)), 1);
      write({ ...slow, processes: 3 });
      program.signal("SIGUSR2");
      await program.said("err", /3 processes restarted/);
      const after = (await fetched(`${url}/metrics`)).text;
      assert.equal(sum(values(after, accepted)), 21);
      // Its process drains, and is still counted.
      assert.equal(sum(values(after, "millrace_connections_active")), 1);
      assert.deepEqual(values(after, "millrace_endpoint_ready"), [1, 1, 1]);
      held.destroy();
      const [, pid] = await program.said("err", /millrace\[1\]: process (\d+) has taken over/);
      process.kill(Number(pid), "SIGKILL");
      await program.said("err", /millrace\[1\]: process \d+ serves in its place/);
      const last = (await fetched(`${url}/metrics`)).text;
      assert.equal(sum(values(last, accepted)), 21);
      assert.deepEqual(values(last, "millrace_process_restarts_total"), [1, 0, 0]);
      assert.deepEqual(await fetched(`${url}/readyz`), { status: 200, text: '{"status":"ready"}\n' });
      assert.equal((await fetched(`${url}/healthz`)).status, 200);
      write({ ...slow, processes: 1 });
      program.signal("SIGUSR2");
      await program.said("err", /1 process restarted/);
      await program.said("err", /millrace\[3\]: stopped in/);
      assert.equal(await request(address, "one"), "one");
      await stopped(program);
    },
  );

  it(
    "prints whole lines of all processes, and log records with the number of theirs (F-49)",
    long,
    async (t) => {
      const { program } = gateway(t, { endpoints: [{ ...echo, print: true }], processes: 2 });
      const address = await listening(program);
      await serving(program);
      const text = "x".repeat(20_000);
      await Promise.all(Array.from({ length: 20 }, () => request(address, text)));
      program.signal("SIGTERM");
      const { out, err, code } = await program.end();
      assert.equal(code, 0, err);
      const rows = out.trimEnd().split("\n").map((row) => JSON.parse(row) as { readonly payload: string });
      assert.equal(rows.length, 20);
      for (const { payload } of rows) assert.equal(payload, text);
      const records = err.split("\n").filter((row) => row.startsWith("{")).map((row) =>
        JSON.parse(row) as { readonly process: number; readonly message: string }
      );
      const running = records.filter(({ message }) => message === "server running").map(({ process }) =>
        process
      );
      assert.deepEqual(running.sort(), [1, 2]);
    },
  );
});

// millrace serve and gateway with --processes: several processes on one port, started again when they die, replaced one by one.
import assert from "node:assert/strict";
import process from "node:process";
import { describe } from "node:test";
import { detectAdapter } from "../../../src/adapters/detect.ts";
import { it } from "../../support/it.ts";
import { echo, gateway, listening, long, open, serving, stopped } from "../../support/processes.ts";
import { startMillrace } from "../../support/program.ts";
import { request, whileLoaded } from "../../support/request_load.ts";

const adapter = await detectAdapter();

describe(`--processes, on ${adapter.name}`, () => {
  it(
    "serve answers with both processes on one port, and SIGTERM drains both and says how many (F-49)",
    long,
    async (t) => {
      const program = startMillrace(t, "serve", "--port", "0", "--processes", "2", "--echo", "--quiet");
      const address = await listening(program);
      const pids = await serving(program);
      assert.equal(new Set(pids).size, 2);
      // While one is stopped, the other answers to all.
      for (const pid of pids) {
        process.kill(pid, "SIGSTOP");
        const sockets = await Promise.all(Array.from({ length: 50 }, () => open(t, address)));
        for (const socket of sockets) socket.on("end", () => socket.end()).resume();
        process.kill(pid, "SIGCONT");
      }
      const err = await stopped(program);
      const each = [1, 2].map((number) =>
        Number(
          new RegExp(`millrace\\[${number}\\]: stopped; (\\d+) of \\1 open connections drained`).exec(err)
            ?.[1],
        )
      );
      assert.deepEqual(each, [50, 50], err);
      assert.match(err, /millrace: 2 processes stopped in .*; 100 connections drained\n/);
      for (const pid of pids) assert.throws(() => process.kill(pid, 0));
    },
  );

  it(
    "SIGUSR2 and SIGHUP replace one process after the other under load: nobody is refused or reset (F-49)",
    long,
    async (t) => {
      const program = startMillrace(t, "serve", "--port", "0", "--processes", "2", "--echo", "--quiet");
      const address = await listening(program);
      const first = await serving(program);
      const answered = await whileLoaded(address, async (more) => {
        await more();
        program.signal("SIGUSR2");
        await program.said("err", /millrace: 2 processes restarted/);
        await more();
        program.signal("SIGHUP");
        await program.said("err", /(?:2 processes restarted[^]*){2}/);
        await more();
      });
      // Those before have drained, while the program goes on.
      for (const number of [1, 2]) {
        await program.said("err", new RegExp(`(?:millrace\\[${number}\\]: stopped; [^]*){2}`));
      }
      assert.ok(answered >= 150, `${answered}`);
      for (const pid of first) {
        await program.said("err", new RegExp(`has taken over from ${pid}, which drains`));
      }
      await stopped(program);
    },
  );

  it("a process that dies is started again, and the others serve meanwhile (F-49)", long, async (t) => {
    const { program, write } = gateway(t, { endpoints: [echo], processes: 2, log: { level: "error" } });
    const address = await listening(program);
    const [first, second] = await serving(program) as [number, number];
    // What is being edited is not read before a restart is asked for.
    write("{ endpoints: [");
    process.kill(first, "SIGKILL");
    await program.said("err", new RegExp(`millrace\\[1\\]: process ${first} has ended with code 137`));
    assert.equal(await request(address, "meanwhile"), "meanwhile");
    await program.said("err", /millrace\[1\]: another process starts in \d+ ms/);
    const [, third] = await program.said("err", /millrace\[1\]: process (\d+) serves in its place/);
    process.kill(second, "SIGKILL");
    await program.said("err", /millrace\[2\]: process \d+ serves in its place/);
    assert.equal(await request(address, "again"), "again");
    program.signal("SIGUSR2");
    await program.said("err", /millrace: not restarted: .* nothing was started; the processes go on/);
    // What only the new process finds.
    write({ endpoints: [{ ...echo, tls: { cert: "none.crt", key: "none.key" } }], processes: 2 });
    program.signal("SIGUSR2");
    await program.said("err", /not restarted: the new process has ended with code 1; the processes go on/);
    assert.equal(await request(address, "still"), "still");
    process.kill(Number(third), 0);
    await stopped(program);
  });

  it("gives up, drains the others and says so when one fails again and again (F-49)", long, async (t) => {
    const restart = { initial: "10ms", attempts: 1 };
    const { program } = gateway(t, { endpoints: [echo], processes: { count: 2, restart } });
    const [first, second] = await serving(program) as [number, number];
    process.kill(first, "SIGKILL");
    const [, next] = await program.said("err", /process (\d+) serves in its place/);
    process.kill(Number(next), "SIGKILL");
    const { code, err } = await program.end();
    assert.equal(code, 1, err);
    assert.match(err, /stopped: process 1 has failed 2 times in a row/);
    assert.match(err, /millrace\[2\]: stopped in/);
    assert.throws(() => process.kill(second, 0));
  });
});

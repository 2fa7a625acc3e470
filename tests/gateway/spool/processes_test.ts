/** A gateway of several processes with a spool: a directory for each, and what others have left. */
import assert from "node:assert/strict";
import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { it } from "../../support/it.ts";
import {
  adminOf,
  echo,
  fetched,
  gateway,
  listening,
  long,
  serving,
  sum,
  values,
} from "../../support/processes.ts";
import { request } from "../../support/request_load.ts";
import { FakeBus, folderFor, openSpool } from "./rig.ts";

describe("several processes with a spool", () => {
  it("have a directory each, and forward what others have left (F-85)", long, async (t) => {
    const folder = folderFor(t);
    const bus = new FakeBus();
    bus.away = true;
    const { spool } = await openSpool(t, folder, bus);
    const metadata = { "conn.id": "gone", endpoint: "echo" };
    const payload = new TextEncoder().encode("left behind");
    await spool.publish({
      subject: "millrace.echo.in",
      metadata,
      payload,
      seq: 1,
      received: Date.now(),
    });
    await spool.flush();
    await spool.close(0);
    renameSync(join(folder, "1"), join(folder, "7"));
    const { program } = gateway(t, {
      endpoints: [{ ...echo, print: true, spool: { directory: folder } }],
      admin: { listen: "127.0.0.1:0" },
      processes: 2,
    });
    const address = await listening(program);
    await serving(program);
    const url = await adminOf(program);
    await program.said("out", /"conn.id":"gone".*left behind/);
    for (let number = 0; number < 10; number++) await request(address, `${number}`);
    assert.equal(sum(values((await fetched(`${url}/metrics`)).text, "millrace_spool_written_total")), 10);
    const numbers = readdirSync(folder);
    assert.ok(numbers.includes("1") && numbers.includes("2"), numbers.join());
    program.signal("SIGTERM");
    assert.equal((await program.end()).code, 0);
  });
});

// What a server with reusePort says about connections that a restart would reset.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import type { LogRecord } from "../../src/core/logger.ts";
import { migratesConnections } from "../../src/host/migrated_connections.ts";
import { lines, serve } from "../../mod.ts";
import { logSharedPort } from "../../src/server/shared_port.ts";
import { memoryAdapter } from "../../src/adapters/memory/adapter.ts";
import { it } from "../support/it.ts";

const address = { transport: "tcp", host: "127.0.0.1", port: 3034 } as const;

/** The records of the shared port that this content of the setting's file leads to; undefined for no file. */
function records(t: { after(cleanup: () => unknown): void }, content: string | undefined): LogRecord[] {
  const folder = mkdtempSync(join(tmpdir(), "millrace-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "tcp_migrate_req");
  if (content !== undefined) writeFileSync(file, content);
  const found: LogRecord[] = [];
  logSharedPort((record) => found.push(record), address, () => migratesConnections(file));
  return found;
}

describe("a port that is shared", () => {
  it("is warned of where tcp_migrate_req is 0, with what to set or to use instead (F-28)", (t) => {
    const [record, ...more] = records(t, "0\n");
    assert.equal(more.length, 0);
    assert.equal(record?.level, "warn");
    assert.match(record.message, /connections in its queue are reset/);
    assert.equal(record.fields["listen"], "127.0.0.1:3034");
    assert.match(String(record.fields["advice"]), /net\.ipv4\.tcp_migrate_req=1.* inherited socket \(fd\)/);
  });

  it("is not spoken of where tcp_migrate_req is 1 (F-28)", (t) => {
    assert.deepEqual(records(t, "1\n"), []);
  });

  for (const [what, content] of [["missing", undefined], ["something else", "yes\n"]] as const) {
    it(`is said to be of unknown safety where tcp_migrate_req is ${what} (F-28)`, (t) => {
      const [record, ...more] = records(t, content);
      assert.deepEqual([record?.level, record?.fields["tcpMigrateReq"], more.length], ["info", "unknown", 0]);
    });
  }

  it("is spoken of once for each server, and never where none is shared (F-28)", async () => {
    const here = migratesConnections() === true ? 0 : 1;
    for (const reusePort of [true, false]) {
      const found: LogRecord[] = [];
      const adapter = memoryAdapter();
      const server = await serve({
        port: 4000,
        reusePort,
        framing: lines(),
        onFrame: () => {},
        logger: (record) => found.push(record),
        adapter: { ...adapter, can: { ...adapter.can, reusePort: true } },
      });
      await server.suspend();
      await server.resume();
      await server.close();
      const told = found.filter(({ message }) => message.startsWith("the port is shared"));
      assert.equal(told.length, reusePort ? here : 0);
    }
  });
});

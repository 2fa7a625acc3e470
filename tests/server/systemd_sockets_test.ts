// The variables by which systemd tells which sockets it has passed (sd_listen_fds(3)).
import assert from "node:assert/strict";
import process from "node:process";
import { describe } from "node:test";
import { SocketError } from "../../src/core/errors.ts";
import { systemdSocket, systemdSockets } from "../../src/server/systemd_sockets.ts";
import { it } from "../support/it.ts";

const names = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] as const;

/** What is found with these variables. */
function found<T>(variables: Partial<Record<(typeof names)[number], string>>, look: () => T): T {
  const before = names.map((name) => [name, process.env[name]] as const);
  try {
    for (const name of names) delete process.env[name];
    Object.assign(process.env, variables);
    return look();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

const own = { LISTEN_PID: String(process.pid) };

function refused(
  variables: Parameters<typeof found>[0],
  message: RegExp,
  look: () => unknown = systemdSockets,
): void {
  assert.throws(() => found(variables, look), (error) => {
    assert.ok(error instanceof SocketError && error.reason === "bad_descriptor");
    assert.match(error.message, message);
    return true;
  });
}

describe("the sockets of systemd", () => {
  it("are counted from 3 and named by the units, or unknown (F-75)", () => {
    assert.deepEqual(found({ ...own, LISTEN_FDS: "2", LISTEN_FDNAMES: "meters:admin" }, systemdSockets), [
      { name: "meters", fd: 3 },
      { name: "admin", fd: 4 },
    ]);
    assert.deepEqual(found({ ...own, LISTEN_FDS: "1" }, systemdSockets), [{ name: "unknown", fd: 3 }]);
    assert.deepEqual(found({ ...own, LISTEN_FDS: "0" }, systemdSockets), []);
  });

  it("are none of a process that was started otherwise, or that inherited the variables (F-75)", () => {
    assert.deepEqual(found({}, systemdSockets), []);
    assert.deepEqual(found({ LISTEN_PID: "1", LISTEN_FDS: "2" }, systemdSockets), []);
    assert.deepEqual(found({ LISTEN_FDS: "2" }, systemdSockets), []);
  });

  it("are refused where the variables are malformed (F-75)", () => {
    refused({ ...own, LISTEN_FDS: "two" }, /LISTEN_FDS=two, expected a number from 0 to 1024/);
    refused({ ...own, LISTEN_FDS: "1025" }, /LISTEN_FDS=1025/);
    refused({ ...own }, /LISTEN_FDS=, expected/);
    refused({ ...own, LISTEN_FDS: "2", LISTEN_FDNAMES: "one" }, /LISTEN_FDNAMES=one, expected 2 names/);
  });

  it("are found by name, one of each (F-75)", () => {
    const variables = { ...own, LISTEN_FDS: "3", LISTEN_FDNAMES: "a:b:b" };
    assert.equal(found(variables, () => systemdSocket("a")), 3);
    refused(variables, /listen on systemd:b: 2 sockets have this name/, () => systemdSocket("b"));
    refused(
      variables,
      /listen on systemd:c: systemd has passed a, b, b: set FileDescriptorName=/,
      () => systemdSocket("c"),
    );
    refused({}, /systemd has passed no socket to this process/, () => systemdSocket("a"));
  });
});

/**
 * Control commands about peers: ending a connection, banning an address, lifting a ban, and the limits in force.
 *
 * Used by `control.ts`. What a value may be is what a configuration may say.
 */
import { FrameError, OptionsError } from "../core/errors.ts";
import type { DurationInput } from "../core/time/duration.ts";
import type { LiveOptions } from "../server/live_options.ts";
import { readAdmission } from "./config/admission.ts";
import { readLimits } from "./config/connection_limits.ts";
import { FaultList, formatFault } from "./config/fault.ts";
import { Refusal, Section } from "./config/section.ts";
import { bytes, duration, limit, wait } from "./config/values.ts";
import { type Known, type Payload, RefusedCommand, show } from "./control_command.ts";
import { writable } from "./json_text.ts";
import type { RunningEndpoint } from "./running_endpoint.ts";

/** Commands by name. */
export const orders: Readonly<Record<string, Known>> = {
  "conn.close": {
    recorded: ["conn_id", "identity", "reason", "code", "by", "last_words", "reset", "ban"],
    run: closeConnection,
  },
  "ban": {
    recorded: ["address", "duration", "reason", "code", "by"],
    run: (payload, endpoint) => {
      const address = textOf("ban", payload, "address");
      const ms = durationOf("ban", payload, "duration");
      if (address === undefined || ms === undefined) {
        throw new RefusedCommand("malformed", 'ban: expected address, such as "192.0.2.7", and duration');
      }
      carryOut("ban", () => serverOf("ban", endpoint, "ban")(address, ms, whyOf("ban", payload)));
      return { banned: address };
    },
  },
  "unban": {
    recorded: ["address", "reason", "code", "by"],
    run: (payload, endpoint) => {
      const address = textOf("unban", payload, "address") ?? "";
      const unban = serverOf("unban", endpoint, "unban");
      return { lifted: carryOut("unban", () => unban(address, whyOf("unban", payload))) };
    },
  },
  "bans": {
    run: (_, endpoint) => {
      serverOf("bans", endpoint, "ban");
      return writable(endpoint.inspect().admission?.bans);
    },
  },
  "limits": {
    recorded: ["set", "reason", "by"],
    run: (payload, endpoint) => {
      const update = serverOf("limits", endpoint, "update");
      const { set } = payload;
      if (set !== undefined) {
        const changes = readChanges(set);
        carryOut("limits", () => update(changes, whyOf("limits", payload)));
      }
      return writable(endpoint.inspect().admission?.limits);
    },
  },
};

function closeConnection(payload: Payload, endpoint: RunningEndpoint): unknown {
  const { last_words: words, reset } = payload;
  if (reset !== undefined && typeof reset !== "boolean") {
    throw new RefusedCommand("malformed", `conn.close: found reset ${show(reset)}, expected true or false`);
  }
  const how = {
    ...whyOf("conn.close", payload),
    lastWords: words === undefined ? undefined : read("conn.close", "last_words", words, bytes),
    reset,
    ban: durationOf("conn.close", payload, "ban"),
  };
  const ids = connectionsOf(payload, endpoint);
  const closed = ids.filter((id) => carryOut("conn.close", () => endpoint.kill(id, how)));
  if (closed.length > 0) return { closed: payload["identity"] === undefined ? closed[0] : closed };
  const whose = payload["identity"] === undefined
    ? `connection ${payload["conn_id"]}`
    : `connection of ${payload["identity"]}`;
  throw new RefusedCommand(
    "unknown_connection",
    `conn.close: no ${whose} is open; conn.list shows the open ones`,
  );
}

/** The connection that a command names, or those of the device that it names. */
function connectionsOf(payload: Payload, endpoint: RunningEndpoint): readonly string[] {
  const { conn_id: id, identity } = payload;
  if (identity === undefined) {
    if (typeof id === "string" && id !== "") return [id];
    throw new RefusedCommand(
      "malformed",
      `conn.close: found conn_id ${show(id)}, expected the id of a connection`,
    );
  }
  if (typeof identity !== "string" || id !== undefined) {
    const found = id === undefined ? `identity ${show(identity)}` : "conn_id and identity";
    throw new RefusedCommand("malformed", `conn.close: found ${found}, expected one of them, as text`);
  }
  if (endpoint.identities !== undefined) return endpoint.identities.all(identity).map((one) => one.id);
  const message = `conn.close: endpoint ${endpoint.name} has no identity in its configuration`;
  throw new RefusedCommand("unsupported", message);
}

/** What a server can do and a client cannot. */
function serverOf<Name extends "ban" | "unban" | "update">(
  command: string,
  endpoint: RunningEndpoint,
  name: Name,
): NonNullable<RunningEndpoint[Name]> {
  const act = endpoint[name];
  if (act === undefined) {
    const message = `${command}: endpoint ${endpoint.name} is a client and accepts no connections`;
    throw new RefusedCommand("unsupported", message);
  }
  return act.bind(endpoint) as NonNullable<RunningEndpoint[Name]>;
}

/** What the endpoint itself refuses: what is asked of it is at fault, unless it says that it cannot. */
function carryOut<Result>(command: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof OptionsError || error instanceof FrameError)) throw error;
    const cannot = error.reason === "unsupported";
    throw new RefusedCommand(cannot ? "unsupported" : "malformed", `${command}: ${error.message}`);
  }
}

function whyOf(command: string, payload: Payload): {
  readonly reason: string | undefined;
  readonly code: string | undefined;
  readonly by: string;
} {
  return {
    reason: textOf(command, payload, "reason"),
    code: textOf(command, payload, "code"),
    by: textOf(command, payload, "by") ?? "a control command",
  };
}

function textOf(command: string, payload: Payload, name: string): string | undefined {
  const value = payload[name];
  if (value === undefined || typeof value === "string") return value;
  throw new RefusedCommand(
    "malformed",
    `${command}: found ${name} ${show(value)}, expected text, or nothing`,
  );
}

function durationOf(command: string, payload: Payload, name: string): DurationInput | undefined {
  const value = payload[name];
  return value === undefined ? undefined : read(command, name, value, duration);
}

function read<Value>(
  command: string,
  name: string,
  value: unknown,
  reader: (value: unknown) => Value,
): Value {
  try {
    return reader(value);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new RefusedCommand(
      "malformed",
      `${command}: found ${name} ${show(value)}, expected ${error.expected}`,
    );
  }
}

/** Limits as in a configuration; whatever else is there is a fault. What cannot change, the server says. */
function readChanges(set: unknown): LiveOptions {
  const list = new FaultList();
  const section = Section.open(list, ["set"], set, "a table of limits");
  const changes = section && {
    ...readLimits(section),
    ...readAdmission(section),
    ...given("maxHandshakes", section.take("maxHandshakes", limit)),
    ...given("shutdownDeadline", section.take("shutdownDeadline", wait)),
  };
  section?.close();
  if (changes !== undefined && list.faults.length === 0) return changes;
  const faults = list.faults.map((fault) => formatFault(fault)).join("; ");
  throw new RefusedCommand("malformed", `limits: ${faults}`);
}

function given(name: string, value: number | undefined): object {
  return value === undefined ? {} : { [name]: value };
}

/**
 * What was ordered, by whom, and when: one log record and one call of `onAudit` for each order that did something.
 *
 * Used by `orders.ts`.
 */
import type { Logger } from "../core/logger.ts";
import type { KillOptions } from "./kill_options.ts";
import type { LiveOptions } from "./live_options.ts";

/** An order to a running server that was carried out. */
export type AuditEvent =
  & Pick<KillOptions<never>, "reason" | "code" | "by">
  & {
    /** When, in milliseconds since 1970. */
    readonly at: number;
  }
  & (
    | {
      /** `server.kill`. */
      readonly action: "kill";
      /** The connection. */
      readonly connectionId: string;
      /** Its peer. */
      readonly ip: string;
      /** The peer's port. */
      readonly port: number;
      /** Whether a last frame was sent. */
      readonly lastWords: boolean;
      /** Whether it was ended with a reset. */
      readonly reset: boolean;
    }
    | {
      /** `server.ban`, or `server.kill` with `ban`. */
      readonly action: "ban";
      /** The address, or the network of an IPv6 address. */
      readonly address: string;
      /** When it ends, in milliseconds since 1970, or `Infinity`. */
      readonly until: number;
      /** An address whose ban ended early, because there were too many. */
      readonly evicted: string | undefined;
    }
    | {
      /** `server.unban`. */
      readonly action: "unban";
      /** The address, or the network of an IPv6 address. */
      readonly address: string;
    }
    | {
      /** `server.update`. */
      readonly action: "update";
      /** What changed, as it was given. */
      readonly changes: LiveOptions;
    }
  );

const messages: Readonly<Record<AuditEvent["action"], string>> = {
  kill: "connection killed",
  ban: "address banned",
  unban: "ban lifted",
  update: "limits changed",
};

/** Writes the record, in which names are those of other records. */
export function logAudit(log: Logger, { action, at: _, ...event }: AuditEvent): void {
  const { connectionId, ip, port, ...facts } = event as typeof event & {
    readonly connectionId?: string;
    readonly ip?: string;
    readonly port?: number;
  };
  const connection = connectionId === undefined
    ? {}
    : { "conn.id": connectionId, "peer.ip": ip, "peer.port": port };
  log({ level: "info", message: messages[action], fields: { audit: action, ...connection, ...facts } });
}

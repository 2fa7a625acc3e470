/**
 * One record for an episode of rejected connections, however many they are: strangers would write our log. Used by
 * `admission.ts`.
 */
import type { Logger, LogRecord } from "../core/logger.ts";
import type { RejectReason } from "./admission_options.ts";
import { peerFields } from "./log.ts";

/** An episode is over when nobody was rejected for this reason for so long, in ms. */
const quietMs = 10_000;
/** One that goes on has a record again after so long, in ms. */
const againMs = 60_000;

/** Limits that are reached call for someone; what is working as it was told to does not. */
const levels: Readonly<Record<RejectReason, LogRecord["level"]>> = {
  max_connections: "warn",
  memory_budget: "warn",
  draining: "debug",
  address_connections: "warn",
  accept_rate: "warn",
  address_rate: "warn",
  not_allowed: "info",
  denied: "info",
  banned: "info",
  proxy_untrusted: "warn",
  proxy_missing: "warn",
  proxy_malformed: "warn",
  proxy_timeout: "warn",
  first_bytes_timeout: "warn",
  max_pending: "warn",
};

/** When the last one was rejected, when that was last said, and how many there had been by then. */
interface Episode {
  last: number;
  logged: number;
  total: number;
}

/** Says that connections are rejected. */
export class RefusalLog {
  readonly #log: Logger;
  readonly #episodes: Partial<Record<RejectReason, Episode>> = {};

  constructor(log: Logger) {
    this.#log = log;
  }

  /** One more, the `total`th for this reason. */
  note(
    peer: { readonly ip: string; readonly port: number },
    reason: RejectReason,
    total: number,
    now: number,
    detail?: string,
  ): void {
    const episode = this.#episodes[reason] ??= { last: -Infinity, logged: -Infinity, total: 0 };
    const silent = now - episode.last < quietMs && now - episode.logged < againMs;
    episode.last = now;
    if (silent) return;
    const counts = { rejected: total, sinceLastRecord: total - episode.total };
    const fields = { ...peerFields(peer), reason, ...(detail !== undefined && { detail }), ...counts };
    episode.logged = now;
    episode.total = total;
    this.#log({ level: levels[reason], message: "connections are rejected", fields });
  }
}

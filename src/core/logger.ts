/** What loggers take. Used by whatever has something to tell. */

/** One structured log record. */
export interface LogRecord {
  /** Severity. */
  readonly level: "debug" | "info" | "warn" | "error";
  /** A constant phrase, such as `"connection closed"`. */
  readonly message: string;
  /** Facts: `conn.id`, `peer.ip`, `peer.port`, `reason`, … */
  readonly fields: Readonly<Record<string, unknown>>;
}
/** Receives log records, one at a time. What it throws is reported on standard error and has no other effect. */
export type Logger = (record: LogRecord) => void;

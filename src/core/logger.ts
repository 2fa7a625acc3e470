/** What loggers take (F-53). Used by whatever has something to tell. */

/** One structured log record. */
export interface LogRecord {
  /** How much it matters. */
  readonly level: "debug" | "info" | "warn" | "error";
  /** A fixed phrase, such as `"connection closed"`. */
  readonly message: string;
  /** Facts: `conn.id`, `peer.ip`, `peer.port`, `reason`, … */
  readonly fields: Readonly<Record<string, unknown>>;
}
/** Takes log records, one at a time. What it throws is told on standard error and harms nothing. */
export type Logger = (record: LogRecord) => void;

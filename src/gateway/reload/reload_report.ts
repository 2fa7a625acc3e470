/** What came of a reload, and of all of them so far. */
import type { MillraceError } from "../../core/errors.ts";
import type { MetricSample } from "../../core/text/exposition.ts";
import { type ConfigFault, formatFaults } from "../config/fault.ts";

/** What came of a reload. */
export interface GatewayReload {
  /**
   * `done`: the configuration is in force, also where nothing was different. `refused`: it has faults, or asks for what
   * only a restart can change; nothing has changed. `undone`: an endpoint could not start, and what had begun was taken back.
   */
  readonly outcome: "done" | "refused" | "undone";
  /** Names of endpoints that are new. */
  readonly added: readonly string[];
  /** Those drained and closed. */
  readonly removed: readonly string[];
  /** Those whose limits have changed, with all their connections. */
  readonly updated: readonly string[];
  /** Those whose connections were drained, and that serve again with other settings. */
  readonly replaced: readonly string[];
  /** Those that were not touched. */
  readonly unchanged: readonly string[];
  /** Connections of removed and replaced endpoints that were destroyed at the deadline. */
  readonly destroyed: number;
  /** Why it was refused. */
  readonly faults: readonly ConfigFault[];
  /** Why it was undone. */
  readonly error: MillraceError | undefined;
  /** Endpoints that could not be started again when it was undone, such as those whose port another program took. */
  readonly lost: readonly string[];
  /** When it ended; milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds that it took. */
  readonly durationMs: number;
}

/** What did not happen. */
export const nothingDone: Pick<
  GatewayReload,
  "added" | "removed" | "updated" | "replaced" | "unchanged" | "destroyed" | "faults" | "error" | "lost"
> = {
  added: [],
  removed: [],
  updated: [],
  replaced: [],
  unchanged: [],
  destroyed: 0,
  faults: [],
  error: undefined,
  lost: [],
};

/** All reloads of one gateway: counted, and the last one kept. */
export class ReloadHistory {
  readonly #counts: Record<GatewayReload["outcome"], number> = { done: 0, refused: 0, undone: 0 };
  last: GatewayReload | undefined = undefined;

  add(report: GatewayReload): void {
    this.#counts[report.outcome]++;
    this.last = report;
  }

  samples(): MetricSample[] {
    const help = "Reloads of the configuration, by outcome.";
    const samples: MetricSample[] = Object.entries(this.#counts).map(([outcome, value]) => ({
      name: "millrace_reloads_total",
      help,
      type: "counter",
      value,
      labels: { outcome },
    }));
    if (this.last === undefined) return samples;
    const { outcome, at } = this.last;
    const success = { name: "millrace_reload_successful", help: "1 if the last reload was done, else 0." };
    const time = { name: "millrace_reload_timestamp_seconds", help: "When the last reload ended." };
    samples.push({ ...success, type: "gauge", value: outcome === "done" ? 1 : 0, labels: {} });
    samples.push({ ...time, type: "gauge", value: at / 1_000, labels: {} });
    return samples;
  }

  /** As `/reload` shows it. */
  picture(): object {
    return { counts: this.#counts, last: this.last && reloadPicture(this.last) };
  }
}

/** As data that JSON can have. */
export function reloadPicture(
  { faults, error, at, ...rest }: GatewayReload,
): Readonly<Record<string, unknown>> {
  return {
    ...rest,
    at: new Date(at).toISOString(),
    faults: faults.map((fault) => formatFaults([fault])),
    error: error?.message,
  };
}

/** Durations on the command line: `500ms`, `5s`, `1.5m`, `2h`, a bare number of milliseconds, `never`. */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Runtimes cannot set longer timers than 24 days. */
const longestMs = 500 * 3_600_000;

/** Milliseconds; `Infinity` for `never`. Throws a `RangeError` that says what is wanted. */
export function parseDuration(text: string): number {
  if (text === "never") return Infinity;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  if (match === null) {
    throw new RangeError(`found ${JSON.stringify(text)}, expected a duration such as 500ms, 5s, 2m or 1h`);
  }
  const ms = Number(match[1]) * unitMs[match[2] ?? "ms"]!;
  if (ms <= longestMs) return ms;
  throw new RangeError(`found ${JSON.stringify(text)}, expected 500h or less, or never`);
}

/** A duration that is not endless; 0 is one. */
export function parseShortDuration(text: string): number {
  const ms = parseDuration(text);
  if (Number.isFinite(ms)) return ms;
  throw new RangeError(`found ${JSON.stringify(text)}, expected a duration such as 0, 500ms or 5s`);
}

/** A duration above zero and not endless. */
export function parseFiniteDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms > 0 && Number.isFinite(ms)) return ms;
  throw new RangeError(`found ${JSON.stringify(text)}, expected a duration above 0 such as 500ms, 5s or 2m`);
}

/** Milliseconds for a person: `412 µs`, `3.2 ms`, `1.50 s`. */
export function formatMs(ms: number): string {
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (ms < 999.5) return `${ms < 9.995 ? ms.toFixed(2) : ms < 99.95 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(2)} s`;
}

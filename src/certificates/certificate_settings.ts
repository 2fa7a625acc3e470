/** The check of what `certificates` is given: every fault at once, and a smaller complete record out. */
import type { Clock } from "../core/time/clock.ts";
import { checkDuration, type DurationInput, toMilliseconds } from "../core/time/duration.ts";
import { OptionsCheck } from "../core/options.ts";
import { serverName } from "../core/text/server_name.ts";
import type { TlsMaterial } from "../core/tls/tls.ts";
import type { CertificatesOptions, CertificateSource } from "../core/tls/certificate_options.ts";
import type { Logger } from "../core/logger.ts";

/** Where a certificate comes from, checked. Durations in milliseconds, `Infinity` for never. */
export type CheckedSource =
  | { readonly kind: "text"; readonly material: TlsMaterial }
  | { readonly kind: "files"; readonly certFile: string; readonly keyFile: string }
  | {
    readonly kind: "function";
    readonly load: (signal: AbortSignal) => TlsMaterial | Promise<TlsMaterial>;
    readonly refresh: number;
    readonly loadTimeout: number;
  };

/** One certificate, checked. */
export interface CheckedEntry {
  readonly name: string;
  readonly source: CheckedSource;
  /** In their canonical form; undefined to take those in the certificate. */
  readonly serverNames: readonly string[] | undefined;
}

/** Checked settings of `certificates`. */
export interface CertificateSettings {
  readonly entries: readonly CheckedEntry[];
  readonly standard: string;
  readonly caFile: string | undefined;
  readonly pollInterval: number;
  readonly warnBefore: number;
  readonly logger: Logger | undefined;
  readonly clock: Clock | undefined;
}

const dayMs = 86_400_000;
/** What a timer can wait for, in whole days. */
const longestTimer = 24 * dayMs;

const sourceKeys = ["serverNames", "cert", "key", "certFile", "keyFile", "load", "refresh", "loadTimeout"];
const optionKeys = ["default", "caFile", "pollInterval", "warnBefore", "logger", "clock"];
const expectedSource = "{ cert, key }, { certFile, keyFile } or { load }";

/** Throws `OptionsError` with everything that is wrong. */
export function resolveCertificates(
  sources: Readonly<Record<string, CertificateSource>>,
  options: CertificatesOptions,
): CertificateSettings {
  const check = new OptionsCheck();
  const names = isRecord(sources) ? Object.keys(sources) : [];
  if (names.length === 0) {
    check.refuse("certificates", shown(sources), "at least one certificate by its name");
  }
  const entries = names.flatMap((name) => resolveEntry(check, name, sources[name]) ?? []);
  const taken = new Map<string, string>();
  for (const { name, serverNames = [] } of entries) {
    for (const one of serverNames) {
      const other = taken.get(one);
      if (other !== undefined) {
        check.refuse(`${name}.serverNames`, one, `a name that is not also one of ${other}`);
      }
      taken.set(one, name);
    }
  }
  check.keys(options, optionKeys);
  if (options.default !== undefined && !names.includes(options.default)) {
    check.refuse("default", options.default, `one of ${names.join(", ")}`);
  }
  if (options.caFile !== undefined) text(check, "caFile", options.caFile, "the path of a file");
  if (options.logger !== undefined && typeof options.logger !== "function") {
    check.refuse("logger", options.logger, "a function");
  }
  const settings: CertificateSettings = {
    entries,
    standard: options.default ?? names[0] ?? "",
    caFile: options.caFile,
    pollInterval: timer(check, "pollInterval", options.pollInterval, 10_000),
    warnBefore: warnBefore(check, options.warnBefore),
    logger: options.logger,
    clock: options.clock,
  };
  check.done();
  return settings;
}

function resolveEntry(check: OptionsCheck, name: string, given: unknown): CheckedEntry | undefined {
  if (!isRecord(given)) {
    check.refuse(name, shown(given), expectedSource);
    return undefined;
  }
  const masked = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, shown(value)]));
  check.keys(masked, sourceKeys, `${name}.`);
  const source = resolveSource(check, name, given as unknown as CertificateSource);
  const serverNames = resolveNames(check, `${name}.serverNames`, given.serverNames);
  return source && { name, source, serverNames };
}

function resolveSource(
  check: OptionsCheck,
  name: string,
  given: CertificateSource,
): CheckedSource | undefined {
  const { cert, key, certFile, keyFile, load } = given;
  const kinds = [cert ?? key, certFile ?? keyFile, load].filter((part) => part !== undefined).length;
  if (kinds !== 1) {
    check.refuse(name, kinds === 0 ? "none of them" : "parts of several", `one of ${expectedSource}`);
    return undefined;
  }
  if (load !== undefined) {
    if (typeof load !== "function") check.refuse(`${name}.load`, load, "a function");
    const { refresh, loadTimeout } = given;
    return {
      kind: "function",
      load,
      refresh: timer(check, `${name}.refresh`, refresh, 3_600_000),
      loadTimeout: timer(check, `${name}.loadTimeout`, loadTimeout, 30_000),
    };
  }
  for (const extra of ["refresh", "loadTimeout"] as const) {
    const value = (given as unknown as Record<string, unknown>)[extra];
    if (value !== undefined) check.refuse(`${name}.${extra}`, value, "to be left out: it needs load");
  }
  if (cert !== undefined || key !== undefined) {
    text(check, `${name}.cert`, cert, "PEM text");
    text(check, `${name}.key`, key, "PEM text");
    return { kind: "text", material: { cert: cert!, key: key! } };
  }
  text(check, `${name}.certFile`, certFile, "the path of a file");
  text(check, `${name}.keyFile`, keyFile, "the path of a file");
  return { kind: "files", certFile: certFile!, keyFile: keyFile! };
}

function resolveNames(check: OptionsCheck, path: string, given: unknown): readonly string[] | undefined {
  if (given === undefined) return undefined;
  if (!Array.isArray(given) || given.length === 0) {
    check.refuse(path, given, "at least one name of a server, in a list");
    return undefined;
  }
  return given.flatMap((one: unknown, at) => {
    const name = typeof one === "string" ? serverName(one) : undefined;
    if (name === undefined) {
      check.refuse(`${path}[${at}]`, one, 'the name of a server, such as "example.org" or "*.example.org"');
    }
    return name ?? [];
  });
}

/** A duration that a timer can wait for, or never. */
function timer(
  check: OptionsCheck,
  path: string,
  value: DurationInput | undefined,
  fallback: number,
): number {
  const ms = checkDuration(check, path, value, fallback);
  if (ms <= longestTimer || ms === Infinity) return ms;
  check.refuse(path, value, 'at most 24 days, or "Infinity" for no limit');
  return fallback;
}

/** 0 is allowed: no warning before the end. */
function warnBefore(check: OptionsCheck, value: DurationInput | undefined): number {
  if (value === undefined) return 14 * dayMs;
  return value === 0 ? 0 : checkDuration(check, "warnBefore", value, toMilliseconds("14 days", "warnBefore"));
}

function text(check: OptionsCheck, path: string, value: unknown, expected: string): void {
  if (typeof value !== "string" || value === "") check.refuse(path, shown(value), expected);
}

/** No key may get into a message. */
const shown = (value: unknown): string => value === undefined || value === "" ? "nothing" : typeof value;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

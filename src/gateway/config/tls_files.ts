/**
 * What is in the files that the sections `tls` name: whether they are there, can be read, fit together and are valid.
 *
 * Called by `abilities.ts`, so by `millrace check` and before a gateway starts. Puts nothing in service.
 */
import { checkAuthorities, checkClientAuthorities, checkPair } from "../../host/certificate_pair.ts";
import { readSmallFile } from "../../host/watched_files.ts";
import { TlsError } from "../../core/tls/tls_error.ts";
import type { EndpointConfig } from "./endpoint_config.ts";
import type { ConfigPath, FaultList } from "./fault.ts";
import type { CertificatePaths } from "./tls_values.ts";

/** Looks into the files of one endpoint at a point of wall-clock time; whatever is wrong goes to the list. */
export async function checkTlsFiles(
  list: FaultList,
  path: ConfigPath,
  { mode, tls }: EndpointConfig,
  now: number,
): Promise<void> {
  if (tls === undefined) return;
  const own = [...path, "tls"];
  if (mode === "client") {
    if (tls.own !== undefined) await checkPairFiles(list, own, tls.own, now);
  } else {
    for (const [name, pair] of Object.entries(tls.certificates)) {
      await checkPairFiles(list, tls.named ? [...own, "certificates", name] : own, pair, now);
    }
  }
  if (tls.ca === undefined) return;
  const check = mode === "client"
    ? checkAuthorities
    : (text: string, file: string) => checkClientAuthorities(text, now, file);
  await checkAuthorityFile(list, [...own, "ca"], tls.ca, check);
}

async function checkPairFiles(
  list: FaultList,
  path: ConfigPath,
  paths: CertificatePaths,
  now: number,
): Promise<void> {
  const [cert, key] = await Promise.all([
    textOf(list, [...path, "cert"], paths.cert),
    textOf(list, [...path, "key"], paths.key),
  ]);
  if (cert === undefined || key === undefined) return;
  const hint = materialFault(() => checkPair({ cert, key }, now, paths));
  if (hint === undefined) return;
  const [which, file] = hint.startsWith(`${paths.cert}: `) ? ["cert", paths.cert] : ["key", paths.key];
  const wanted = "a certificate and key that match, are valid now and can be used";
  list.add([...path, which!], file, wanted, withoutPlace(hint, file!));
}

async function checkAuthorityFile(
  list: FaultList,
  path: ConfigPath,
  file: string,
  check: (ca: string, file: string) => unknown,
): Promise<void> {
  const ca = await textOf(list, path, file);
  const hint = ca === undefined ? undefined : materialFault(() => check(ca, file));
  if (hint !== undefined) list.add(path, file, "certificates in PEM", withoutPlace(hint, file));
}

/** The file's text; a fault and nothing where it cannot be read. */
async function textOf(list: FaultList, path: ConfigPath, file: string): Promise<string | undefined> {
  try {
    return await readSmallFile(file);
  } catch (error) {
    list.add(path, file, "a file that can be read", unreadable(error));
    return undefined;
  }
}

/** Why a file could not be read. */
export function unreadable(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  return code === "ENOENT" ? "there is no such file" : message ?? String(error);
}

/** What the check says is wrong, beginning with the place. */
function materialFault(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof TlsError) return error.message.replace(/^use /, "");
    throw error;
  }
}

function withoutPlace(hint: string, file: string): string {
  return hint.startsWith(`${file}: found `) ? `in it: ${hint.slice(`${file}: found `.length)}` : hint;
}

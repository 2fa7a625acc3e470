/**
 * Keys that every bus with a server has: who the gateway is to it, TLS, times, and how much may be on its way.
 *
 * Used by the files of this folder.
 */
import { readTextFile } from "../../host/process.ts";
import { isPattern } from "../buses/subject.ts";
import { type Read, Refusal, type Section } from "../config/section.ts";
import { readPath } from "../config/tls_values.ts";
import { finiteDuration, finiteSize, integer, text } from "../config/values.ts";

/** Paths of files, or their texts. */
interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Keys as those of `ServerOptions`, with paths of files in the place of their texts. */
export interface ServerKeys {
  readonly name?: string;
  readonly user?: string;
  readonly password?: string;
  readonly tls?: true | TlsFiles;
  readonly connectTimeout?: number;
  readonly reconnectWait?: number;
  readonly maxPending?: number;
  readonly maxPendingBytes?: number;
}

export function readServerKeys(table: Section, folder: string): ServerKeys {
  const tls = table.raw("tls") === true ? true : table.table(
    "tls",
    "true, or a table with ca, cert and key",
    (own) => {
      const [cert, key] = [readPath(own, "cert", folder), readPath(own, "key", folder)];
      if ((cert === undefined) !== (key === undefined)) {
        own.refuse(
          cert === undefined ? "cert" : "key",
          undefined,
          "the path of a file: cert and key belong together",
        );
      }
      return defined({ ca: readPath(own, "ca", folder), cert, key });
    },
  );
  return defined({
    name: table.take("name", text),
    user: table.take("user", text),
    password: table.take("password", text),
    tls,
    connectTimeout: table.take("connectTimeout", finiteDuration),
    reconnectWait: table.take("reconnectWait", finiteDuration),
    maxPending: table.take("maxPending", integer(1)),
    maxPendingBytes: table.take("maxPendingBytes", finiteSize),
  });
}

/** The texts in the place of the paths. */
export async function tlsTexts(tls: ServerKeys["tls"]): Promise<ServerKeys["tls"]> {
  if (tls === undefined || tls === true) return tls;
  const [ca, cert, key] = await Promise.all([textOf(tls.ca), textOf(tls.cert), textOf(tls.key)]);
  return defined({ ca, cert, key });
}

/** The text of a file. */
export async function textOf(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : await readTextFile(path);
}

/** Subjects that a bus stores. */
export const patterns: Read<readonly string[]> = (value) => {
  if (
    Array.isArray(value) && value.length > 0 &&
    value.every((one) => typeof one === "string" && isPattern(one))
  ) {
    return value as readonly string[];
  }
  throw new Refusal('a list of subjects such as ["millrace.*.in.>"]');
};

type Defined<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the keys that nothing was said of. */
export function defined<T extends object>(table: T): Defined<T> {
  return Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** The certificate and key of a TLS server, in PEM, from the files that the first two arguments name. */
import { readFileSync } from "node:fs";
import process from "node:process";

/** Reads both. */
export function readPair(): { cert: string; key: string } {
  const [certFile = "", keyFile = ""] = process.argv.slice(2);
  return { cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
}

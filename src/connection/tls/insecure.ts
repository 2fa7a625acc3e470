/** The warning that a certificate is not checked: loud, but once a process (F-33). */
let warned = false;

/** Called by whoever is about to take any certificate of this host. */
export function warnInsecure(where: string): void {
  if (warned) return;
  warned = true;
  console.warn(
    `millrace: insecureSkipVerify is set for ${where}: the certificate of the server is not checked, so anybody on the ` +
      "way can read and change what is sent; give ca instead. Further ones are not told.",
  );
}

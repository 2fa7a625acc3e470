/** Names of servers as TLS carries them (SNI, RFC 6066). Called where a certificate is chosen by name. */

const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const shape = new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`);

/**
 * The form in which names are compared: lower case, no dot at the end, other letters than ASCII as `xn--…`. A star
 * may stand for the first label. Undefined when it is no such name, as an IP address.
 */
export function serverName(text: string): string | undefined {
  const star = text.startsWith("*.") ? "*." : "";
  let name = text.slice(star.length).toLowerCase().replace(/\.$/, "");
  // deno-lint-ignore no-control-regex
  if (/[^\x00-\x7f]/.test(name)) {
    // Of a URL these would end the name, or stand for something else.
    if (/[\s/\\?#@:%[\]<>^|]/.test(name)) return undefined;
    try {
      name = new URL(`http://${name}`).hostname;
    } catch {
      return undefined;
    }
  }
  const whole = star + name;
  return whole.length <= 253 && shape.test(whole) && !/^[\d.]+$/.test(name) ? whole : undefined;
}

/** What stands behind the first label: for `a.example.org` and `*.example.org` it is `example.org`. */
export function parentName(name: string): string {
  return name.slice(name.indexOf(".") + 1);
}

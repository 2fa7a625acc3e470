/** Host names and addresses, compared: one writing for each. Used by the configuration and the admin endpoint. */

/** Lower case, without a final dot; an address of IPv6 in its shortest form. */
export function plainHost(host: string): string {
  const lower = host.toLowerCase();
  if (!lower.includes(":")) return lower.replace(/\.$/, "");
  return isIpv6(lower) ? new URL(`http://[${lower}]/`).hostname.slice(1, -1) : lower;
}

/** True for an address of IPv6, without brackets and zone. */
export function isIpv6(host: string): boolean {
  return host.includes(":") && URL.canParse(`http://[${host}]/`);
}

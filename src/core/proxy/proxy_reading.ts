/**
 * What comes of reading a PROXY protocol header.
 *
 * Given by `proxy_header.ts` and the readers of both versions.
 */
import type { ProxyInfo } from "./proxy_info.ts";

/** What a header says, without who has sent it. */
export type ProxyHeader = Omit<ProxyInfo, "ip" | "port">;

/** What a header without values says of them. */
export const noValues: Omit<ProxyHeader, "version" | "local" | "source" | "destination"> = {
  alpn: undefined,
  authority: undefined,
  uniqueId: undefined,
  namespace: undefined,
  tls: undefined,
  tlvs: [],
};

/**
 * What the first bytes of a stream come to: `more` must come; they are `none`, no header; they are a header with a fault,
 * said as a noun; or they are one of this length.
 */
export type ProxyReading =
  | { readonly kind: "more" }
  | { readonly kind: "none" }
  | { readonly kind: "fault"; readonly fault: string }
  | { readonly kind: "header"; readonly header: ProxyHeader; readonly length: number };

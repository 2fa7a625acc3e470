/** What may be wrong with the facts that a codec gives with a message. Used by `connection_decoder.ts`. */
import type { EndpointSettings } from "../config/endpoint_config.ts";
import type { DecodedFacts } from "./codec.ts";

const keys: readonly string[] = ["metadata", "identity", "answer", "refusal"];
/** Characters of names and values; some buses carry them as headers. */
const mostMetadata = 4096;
const name = /^[A-Za-z][\w.-]*$/;
/** What the gateway says itself, and what NATS does. */
const taken =
  /^(conn|peer|proxy|tls|nats-.*)(\.|$)|^(endpoint|node|identity|protocol|seq|received|reply|traceparent)$/i;

/** The first fault, if there is one. */
export function factsFault(facts: DecodedFacts, settings: EndpointSettings): string | undefined {
  if (typeof facts !== "object" || facts === null) return "the facts are no object";
  const other = Object.keys(facts).find((key) => !keys.includes(key));
  if (other !== undefined) return `the facts have ${other}, expected ${keys.join(", ")}`;
  const { metadata, identity, answer, refusal } = facts;
  if (identity !== undefined && typeof identity !== "string") return "identity is no text";
  for (const [key, bytes] of Object.entries({ answer, refusal })) {
    if (bytes === undefined) continue;
    if (!(bytes instanceof Uint8Array)) return `${key} is no Uint8Array`;
    const { acknowledge } = settings;
    if (acknowledge?.protocol.name !== "codec") {
      return `it has an ${key}, but the endpoint answers with acknowledge: ${acknowledge?.protocol.name}`;
    }
  }
  return metadata === undefined ? undefined : metadataFault(metadata);
}

function metadataFault(metadata: Readonly<Record<string, string>>): string | undefined {
  if (typeof metadata !== "object" || metadata === null) return "metadata is no object";
  let length = 0;
  for (const [key, value] of Object.entries(metadata)) {
    if (!name.test(key)) {
      return `metadata ${JSON.stringify(key)} is no name of letters, digits, ".", "_" and "-"`;
    }
    if (taken.test(key)) return `metadata ${key} is the gateway's own`;
    if (typeof value !== "string" || /\p{Cc}/u.test(value)) return `metadata ${key} is no text of one line`;
    length += key.length + value.length;
  }
  return length > mostMetadata
    ? `metadata has ${length} characters, expected at most ${mostMetadata}`
    : undefined;
}

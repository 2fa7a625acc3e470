/**
 * Subjects with places for what is known of a connection: `plant.{endpoint}.in.{conn.id}`.
 *
 * Read by the configuration, filled in by `ingress.ts`, once a connection. Every value becomes exactly one token: what a
 * peer can choose must not be able to name another subject.
 */
import { isSubject } from "../buses/subject.ts";
import { senderPlaces } from "./peer_metadata.ts";

/** What may stand in braces. */
const subjectPlaces = ["endpoint", "node", "conn.id", "peer.port", "identity", ...senderPlaces] as const;

const place = /\{([^{}]*)\}/g;
/** What has a meaning in a subject, or cannot stand in one. */
const unsafe = /[\s.*>\p{Cc}]/gu;

/** One token for a value: what cannot stand in one is `_`, and so is nothing at all. */
export function subjectToken(value: string): string {
  return value === "" ? "_" : value.replace(unsafe, "_");
}

/** What is wrong with a template, if anything. */
export function templateFault(template: string): string | undefined {
  for (const [, name = ""] of template.matchAll(place)) {
    if (!(subjectPlaces as readonly string[]).includes(name)) {
      return `{${name}}, expected one of ${subjectPlaces.map((known) => `{${known}}`).join(", ")}`;
    }
  }
  return isSubject(template.replace(place, "x")) ? undefined : JSON.stringify(template);
}

/** The subject for these values. */
export function fillSubject(template: string, values: Readonly<Record<string, string | undefined>>): string {
  return template.includes("{")
    ? template.replace(place, (_, name: string) => subjectToken(values[name] ?? ""))
    : template;
}

/** A pattern that covers what the template can become, when these values are known already. */
export function subjectPattern(template: string, known: Readonly<Record<string, string>> = {}): string {
  // Names in braces have dots of their own, so a token is what stands between dots outside of braces.
  return template.replace(/[^.{}]*(?:\{[^{}]*\}[^.{}]*)+/g, (token) => {
    const filled = token.replace(
      place,
      (whole, name: string) => known[name] === undefined ? whole : subjectToken(known[name]),
    );
    return filled.includes("{") ? "*" : filled;
  });
}

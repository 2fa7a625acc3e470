/**
 * Subjects and the patterns that match them, by the rules of NATS.
 *
 * https://docs.nats.io/nats-concepts/subjects
 */
import { BusError } from "../errors.ts";

/** No subject is longer; a longer one is a mistake, or an attack. */
const longest = 1024;

/** True for tokens of printable characters with single dots between them and no wildcard. */
export function isSubject(subject: string): boolean {
  return subject.length <= longest && /^[^\s.*>\p{Cc}]+(?:\.[^\s.*>\p{Cc}]+)*$/u.test(subject);
}

/** The same with `*` as a whole token, and `>` as the last one. */
export function isPattern(pattern: string): boolean {
  return pattern.length <= longest &&
    /^(?:(?:\*|[^\s.*>\p{Cc}]+)\.)*(?:\*|>|[^\s.*>\p{Cc}]+)$/u.test(pattern);
}

/** Throws unless it is a subject to publish to. */
export function checkSubject(subject: string): void {
  if (isSubject(subject)) return;
  throw new BusError(
    "invalid_subject",
    `publish: found subject ${JSON.stringify(subject)}, expected tokens separated by dots, without wildcards`,
  );
}

/** Throws unless it is a pattern to subscribe to. */
export function checkPattern(pattern: string): void {
  if (isPattern(pattern)) return;
  throw new BusError(
    "invalid_subject",
    `subscribe: found pattern ${JSON.stringify(pattern)}, expected tokens separated by dots; ` +
      `"*" stands for one token, ">" at the end for one or more`,
  );
}

/** True when a pattern without wildcards matches only itself. */
export function isLiteral(pattern: string): boolean {
  return !/(?:^|\.)[*>](?:$|\.)/.test(pattern);
}

/** True when there is a subject that both patterns cover. */
export function overlap(one: string, other: string): boolean {
  const [own, tokens] = [one.split("."), other.split(".")];
  for (let i = 0; i < own.length && i < tokens.length; i++) {
    if (own[i] === ">" || tokens[i] === ">") return true;
    if (own[i] !== "*" && tokens[i] !== "*" && own[i] !== tokens[i]) return false;
  }
  return own.length === tokens.length;
}

/** True when the pattern covers the subject. */
export function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split(".");
  const tokens = subject.split(".");
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === ">") return tokens.length > i;
    if (i >= tokens.length || (wanted[i] !== "*" && wanted[i] !== tokens[i])) return false;
  }
  return tokens.length === wanted.length;
}

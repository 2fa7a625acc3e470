/**
 * Subjects of several endpoints side by side: what one of them takes must not be what another publishes or takes.
 *
 * Called by `config.ts` once all endpoints are read.
 */
import { overlap } from "../buses/subject.ts";
import { subjectPattern } from "../traffic/subject_template.ts";
import type { EndpointConfig } from "./endpoint_config.ts";
import type { EndpointSurroundings, Subjects } from "./subjects.ts";
import { type FaultList, formatPath } from "./fault.ts";

interface Owner {
  readonly index: number;
  readonly name: string;
  readonly key: keyof Subjects;
  readonly subject: string;
  /** What it subscribes to, or publishes under. */
  readonly patterns: readonly string[];
}

/**
 * Several endpoints may publish to one subject, but a message or a command can be for one of them only, and a frame for
 * none: an endpoint that took its own frames for messages would answer every device with errors.
 */
export function refuseSharedSubjects(
  list: FaultList,
  endpoints: readonly (EndpointConfig | undefined)[],
  { node }: Pick<EndpointSurroundings, "node">,
): void {
  const owners: Owner[] = [];
  for (const key of ["egress", "control", "ingress", "deadLetter", "presence"] as const) {
    endpoints.forEach((endpoint, index) => {
      if (endpoint === undefined) return;
      const { [key]: subject, direct } = endpoint.subjects;
      if (subject === undefined) return;
      // Replies to frames go one word below the egress subject, so that is what an endpoint listens to as well.
      const pattern = subjectPattern(subject, { endpoint: endpoint.name, node });
      const patterns = key === "egress" ? [subject, `${direct}.*`] : [pattern];
      const own: Owner = { index, name: endpoint.name, key, subject, patterns };
      const other = owners.find((owner) => collide(own, owner));
      owners.push(own);
      if (other === undefined) return;
      const place = formatPath(["endpoints", other.index, "subjects", other.key]);
      const expected = other.subject === subject
        ? `a different subject from that of ${place}`
        : `a subject that does not overlap with ${JSON.stringify(other.subject)}, which ${place} has; ` +
          `an egress subject also covers every subject one word below it`;
      list.add(["endpoints", index, "subjects", key], subject, expected);
    });
  }
}

function collide(one: Owner, other: Owner): boolean {
  // Two endpoints of one name are a fault of their own.
  if (one.index !== other.index && one.name === other.name) return false;
  // Those are published to, and by several if they like.
  if (isPublished(one) && isPublished(other)) return false;
  return one.patterns.some((own) => other.patterns.some((pattern) => overlap(own, pattern)));
}

function isPublished({ key }: Owner): boolean {
  return key === "ingress" || key === "deadLetter" || key === "presence";
}

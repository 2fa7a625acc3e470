/**
 * The subjects of one endpoint: where its frames go, and where it listens.
 *
 * Read by `endpoint_config.ts`; `shared_subjects.ts` compares those of all endpoints.
 */
import { isSubject } from "../buses/subject.ts";
import { type BusTypeName, busTypes } from "../bus_types/bus_types.ts";
import { templateFault } from "../traffic/subject_template.ts";
import { type Read, Refusal, type Section } from "./section.ts";

/** Subjects of one endpoint. A reply to a frame goes to the egress subject with `.` and the connection's id. */
export interface Subjects {
  /** May have places, such as `{conn.id}`. */
  readonly ingress: string;
  readonly egress: string;
  /** Where messages to single connections come: the egress subject, and on a network the node's name behind it. */
  readonly direct: string;
  readonly control: string;
  /** Where it is told which device has come and gone. */
  readonly presence: string;
  /** Where messages from the bus go that could not be delivered; undefined: nowhere, they are counted. */
  readonly deadLetter: string | undefined;
}

/** What an endpoint needs to know of the rest of the configuration. */
export interface EndpointSurroundings {
  readonly bus: BusTypeName;
  readonly node: string;
}

/** A subject of an endpoint leaves room for `.` and a connection's id behind it. */
const longestSubject = 512;

const subject: Read<string> = (value) => {
  if (typeof value === "string" && isSubject(value)) {
    if (value.length > longestSubject) {
      throw new Refusal(`a subject of ${longestSubject} characters or fewer`);
    }
    if (!value.startsWith("_INBOX.")) return value;
    throw new Refusal("a subject that does not begin with _INBOX: those are for replies to requests");
  }
  throw new Refusal('a subject: words separated by dots such as "plant.line1.in", without * and >');
};
/** The same with places for what is known of a connection. */
const template: Read<string> = (value) => {
  if (typeof value !== "string" || !value.includes("{")) return subject(value);
  const fault = templateFault(value);
  if (fault === undefined && value.length <= longestSubject) return value;
  throw new Refusal(
    'a subject, which may have places such as "plant.in.{conn.id}"',
    fault && `found ${fault}`,
  );
};
/** Reads the subjects of the endpoint with this name. */
export function readSubjects(section: Section, name: string, { bus, node }: EndpointSurroundings): Subjects {
  const root = `millrace.${name}`;
  const { network, ingress } = busTypes[bus];
  const standard = {
    ingress: `${root}.${ingress}`,
    egress: `${root}.out`,
    control: `${root}.ctrl`,
    presence: `${root}.presence`,
    deadLetter: network ? `${root}.dead` : undefined,
  };
  const expected = "a table with ingress, egress, control, presence and deadLetter";
  const own = section.table("subjects", expected, (table) => ({
    ingress: table.take("ingress", template) ?? standard.ingress,
    egress: table.take("egress", subject) ?? standard.egress,
    control: table.take("control", subject) ?? standard.control,
    presence: table.take("presence", subject) ?? standard.presence,
    deadLetter: table.take("deadLetter", subject) ?? standard.deadLetter,
  })) ?? standard;
  return { ...own, direct: network ? `${own.egress}.${node}` : own.egress };
}

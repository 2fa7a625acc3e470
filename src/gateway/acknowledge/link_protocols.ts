/**
 * Protocols of acknowledgements by name.
 *
 * What answers an answer would never end: frames that are acknowledgements themselves get none.
 */
import { gt06Answer } from "../../protocols/gt06.ts";
import { hl7Answer } from "../../protocols/hl7_answer.ts";
import { mllpCommit, mllpCommitOf } from "../../protocols/mllp.ts";
import { teltonikaAnswer } from "../../protocols/teltonika.ts";
import { acceptModeOf } from "./hl7_accept_mode.ts";
import { hl7ReplyTo } from "./hl7_reply.ts";
import type { LinkProtocol, PeerReply, Verdict } from "./link_protocol.ts";
import { Unframed } from "./unframed.ts";

/** A preset, and the framings that it is for: undefined is any. */
interface LinkPreset {
  readonly framings: readonly string[] | undefined;
  readonly protocol: LinkProtocol;
}

const [commit, noCommit] = [mllpCommit("ack"), mllpCommit("nak")];
const [ack, nak] = [Unframed.of(0x06), Unframed.of(0x15)];
const [noImei, noRecords] = [Uint8Array.of(0), Uint8Array.of(0, 0, 0, 0)];

const [yes, no]: readonly PeerReply[] = [{ accepted: true, alone: true }, { accepted: false, alone: true }];

/** For protocols whose answers are always the same. */
function replyOf(
  ack: Uint8Array,
  nak: Uint8Array | undefined,
): (frame: Uint8Array) => PeerReply | undefined {
  return (frame) => is(frame, ack) ? yes : is(frame, nak) ? no : undefined;
}

function is(frame: Uint8Array, answer: Uint8Array | undefined): boolean {
  return frame.length === answer?.length && frame.every((byte, at) => byte === answer[at]);
}

const mllp2: LinkProtocol = {
  name: "mllp2",
  reply: replyOf(commit, noCommit),
  answer: (frame, verdict) =>
    mllpCommitOf(frame) !== undefined ? undefined : verdict === "taken" ? commit : noCommit,
  refusal: () => noCommit,
};

const codes = {
  original: { taken: "AA", "not stored": "AE", rejected: "AR" },
  enhanced: { taken: "CA", "not stored": "CE", rejected: "CR" },
} as const;

const hl7: LinkProtocol = {
  name: "hl7",
  reply: (frame, sent) => hl7ReplyTo(sent, frame),
  answer(frame, verdict) {
    const mode = acceptModeOf(frame);
    const wanted = mode?.when === "always" || mode?.when === (verdict === "taken" ? "success" : "error");
    if (mode === undefined || !wanted) return undefined;
    const options = verdict === "taken" ? {} : { text: verdict };
    return hl7Answer(frame, codes[mode.name][verdict], options);
  },
  // Nothing can be said of a message whose control id is not known.
  refusal: () => undefined,
};

const [progressStart, progressEnd] = [0x01, 0x04];
/** EOT, ACK and NAK. */
const unanswered: ReadonlySet<number> = new Set([0x04, 0x06, 0x15]);

const stxEtx: LinkProtocol = {
  name: "stx-etx",
  reply: replyOf(ack, nak),
  bareReplies: [ack, nak],
  answer(frame, verdict) {
    const [first = -1] = frame;
    if (frame.length === 1 && unanswered.has(first)) return undefined;
    if (first === progressStart && frame.at(-1) === progressEnd) return undefined;
    return verdict === "taken" ? ack : nak;
  },
  refusal: () => nak,
};

const teltonika: LinkProtocol = {
  name: "teltonika",
  answer(frame, verdict) {
    const answer = teltonikaAnswer(frame);
    if (answer === undefined || verdict === "taken") return answer;
    return answer.length === 1 ? noImei : noRecords;
  },
  refusal: (first) => first ? noImei : noRecords,
};

/** Logins, heartbeats and alarms. */
const answeredPackets: ReadonlySet<number> = new Set([0x01, 0x13, 0x23, 0x16, 0x26]);
const short = 0x78;

const gt06: LinkProtocol = {
  name: "gt06",
  // A tracker that hears nothing sends again: there is no word for no.
  answer: (frame, verdict) =>
    verdict === "taken" && answeredPackets.has(frame[frame[0] === short ? 3 : 4]!)
      ? gt06Answer(frame)
      : undefined,
  refusal: () => undefined,
};

const isEmpty = (frame: Uint8Array): boolean => frame.length === 0;

const echoEmpty: LinkProtocol = {
  name: "echo-empty",
  answer: (frame) => isEmpty(frame) ? frame : undefined,
  refusal: () => undefined,
  isKeepalive: isEmpty,
};

/** By the name that a configuration says. */
export const linkPresets: ReadonlyMap<string, LinkPreset> = new Map(
  [
    { framings: ["mllp"], protocol: mllp2 },
    { framings: ["mllp"], protocol: hl7 },
    { framings: undefined, protocol: stxEtx },
    { framings: ["teltonika"], protocol: teltonika },
    { framings: ["gt06"], protocol: gt06 },
    { framings: undefined, protocol: echoEmpty },
  ].map((preset) => [preset.protocol.name, preset]),
);

/** Bytes of a configuration. */
export function ownAnswers(ack: Uint8Array, nak: Uint8Array | undefined): LinkProtocol {
  return {
    name: "own",
    reply: replyOf(ack, nak),
    bareReplies: [ack, nak].filter((answer) => answer instanceof Unframed),
    answer: (frame, verdict: Verdict) =>
      is(frame, ack) || is(frame, nak) ? undefined : verdict === "taken" ? ack : nak,
    refusal: () => nak,
  };
}

/**
 * The faults that Millrace is tested with, each with its promise and state. Edit here, then `npm run features`.
 */
import type { Row, Section, State } from "./table.ts";

const row = (number: number, state: State, name: string, note: string, missing?: string): Row => ({
  id: `S-${number}`,
  state,
  name,
  note,
  ...(missing === undefined ? {} : { missing }),
});

export const faults: readonly Section[] = [
  {
    title: "Faults",
    rows: [
      row(
        1,
        "held",
        "A peer connects and sends nothing",
        "closed at the time limit, once, and its place is free",
      ),
      row(2, "held", "One byte a second inside a frame", "the limit for completing a frame ends it"),
      row(3, "held", "A stream arrives byte by byte", "the same frames, in linear time"),
      row(4, "held", "A thousand frames in one chunk", "all in order, without a deep stack"),
      row(5, "held", "A frame is split at every place", "the same frames"),
      row(6, "held", "A length far over the limit", "an error before any of it is stored"),
      row(7, "held", "A frame too large, then a good one, when skipping", "one error, then the good one"),
      row(
        8,
        "held",
        "Lengths of zero, below the header, negative, or huge",
        "a typed error, never a loop",
      ),
      row(9, "held", "FIN inside a frame", "`truncated` with counts, not a clean end"),
      row(10, "held", "RST inside a frame or a write", "one close with its cause; each send fails once"),
      row(11, "held", "The peer half-closes while a reply is due", "the reply is delivered, then FIN"),
      row(12, "held", "The peer vanishes without a packet", "noticed within the limits that are set"),
      row(13, "held", "A peer that never reads", "bounded memory, the policy acts, others are not slowed"),
      row(14, "held", "A slow reader in a broadcast to many", "only that one is dropped or closed"),
      row(
        15,
        "held",
        "Ten thousand idle connections",
        "one timer, hardly any work; what memory each takes, the benchmark shows",
      ),
      row(
        16,
        "held",
        "A flood of connections over the limit",
        "never more than the limit; room again when one goes",
      ),
      row(17, "held", "No descriptors left", "no crash, no spinning; accepting resumes"),
      row(18, "held", "A port in use, forbidden, or on no host", "a readable error, nothing left behind"),
      row(19, "planned", "The listener dies", "noticed and rebuilt; connections live on"),
      row(20, "held", "A client gives up before it is accepted", "counted, no crash"),
      row(
        21,
        "held",
        "The wrong protocol on a port",
        "a quick error that names what came",
      ),
      row(22, "held", "Half a TLS handshake", "ended by its own limit"),
      row(23, "held", "Five hundred handshakes at once", "established connections keep their pace"),
      row(
        24,
        "held",
        "Expired, foreign or missing certificates",
        "refused before the handler sees a byte",
      ),
      row(
        25,
        "held",
        "Certificates changed under load, three times",
        "no failed handshake, old connections stay",
      ),
      row(
        26,
        "held",
        "SIGTERM under load",
        "frames in flight are answered; exit code 0; a second one means now",
      ),
      row(27, "held", "Shutdown with idle, stuck or unreading peers", "done by the deadline"),
      row(28, "held", "Closing from inside every callback", "no crash, one close event"),
      row(29, "held", "A handler throws, rejects or hangs", "its own connection ends, nothing leaks"),
      row(
        30,
        "partly",
        "The broker is down, slow, or comes back",
        "reads wait, nothing acknowledged is lost",
        "brokers: NATS and JetStream",
      ),
      row(31, "held", "Close commands: good, unknown, stale, malformed", "exactly that connection, once"),
      row(32, "held", "The clock jumps; the process stops for a while", "no mass close"),
      row(33, "held", "The event loop is blocked", "peers whose bytes are waiting are not closed as idle"),
      row(34, "planned", "Many clients reconnect at once", "spread out and bounded"),
      row(35, "planned", "One of two addresses is bad", "the other is used"),
      row(36, "planned", "PROXY headers: split, missing, wrong", "as the specification says, never a guess"),
      row(
        37,
        "planned",
        "A million connections one after another",
        "memory and descriptors return to where they were",
      ),
      row(38, "held", "Random bytes in random pieces", "typed errors only, bounded memory, linear time"),
      row(39, "held", "A thousand starts and stops on one port", "no port in use, no leak"),
      row(40, "planned", "A limit is raised and lowered while running", "exact at every moment"),
      row(41, "held", "Counters after anything at all", "bytes, frames, opens and closes add up"),
      row(
        42,
        "held",
        "Sixty-four MiB to a socket that takes little at a time",
        "every byte once and in order",
      ),
    ],
  },
];

/**
 * The features of Millrace, all of them, each with its state. Edit here, then `npm run features`.
 */
import type { Row, Runtime, Section, State } from "./table.ts";

type More = {
  readonly note?: string;
  readonly missing?: string;
  readonly instead?: Readonly<Partial<Record<Runtime, string>>>;
};
const row = (number: number, state: State, name: string, more: More = {}): Row => ({
  id: `F-${number}`,
  state,
  name,
  ...more,
});

const fin = "the peer sees FIN: Deno cannot send RST";

export const features: readonly Section[] = [
  {
    title: "Framing",
    rows: [
      row(
        1,
        "held",
        "Frames separated by delimiters: any bytes, before or after the frame, kept or removed; lines",
      ),
      row(2, "held", "The delimiter of outgoing frames is written, or left to the sender"),
      row(3, "held", "Frames of a fixed length"),
      row(
        4,
        "held",
        "Frames with a length field: its position, size and byte order, what it counts, and what is stripped",
      ),
      row(5, "held", "The length field of outgoing frames is written"),
      row(6, "held", "Built-in lengths in ASCII digits, hex, BCD or as a varint"),
      row(
        7,
        "held",
        "A bad or too large frame is a typed error with its offset; the connection closes, or skips it",
      ),
      row(8, "held", "Presets for known protocols, tested against their specifications"),
      row(9, "held", "No framing: every read is a frame"),
      row(10, "held", "Batches by number, bytes or time, whichever is reached first"),
      row(
        11,
        "held",
        "Your own framing in 20 lines, as fast as the built-in ones, also as a TransformStream",
      ),
    ],
  },
  {
    title: "Time",
    rows: [
      row(12, "held", "Idle timeout for reads, writes or both, with one timer for all connections"),
      row(13, "held", "Keepalive bytes after a period without writes, never inside a frame"),
      row(14, "held", "TCP keepalive of the operating system: off, on, or with a delay", {
        instead: { deno: "on or off, with the system's delay; any other delay is rejected at the start" },
      }),
      row(
        15,
        "held",
        "Time limits for connecting, for a TLS handshake, for the first frame and for completing a frame",
      ),
    ],
  },
  {
    title: "Server",
    rows: [
      row(16, "held", "TCP over IPv4, IPv6 or both, port 0, Unix sockets, backlog, shared ports", {
        instead: {
          bun: "`backlog` is rejected at the start",
          deno: "`ipv6Only` is rejected at the start; shared ports need `--unstable-net`",
          node: "shared ports from Node 23.1 on Linux; rejected at the start elsewhere",
        },
      }),
      row(17, "held", "Observable states, and a count of connections"),
      row(18, "held", "Draining with a deadline; connections left at the deadline are reported"),
      row(19, "held", "Immediate, idempotent close; `await using`; signals in the program"),
      row(20, "held", "Accepting can be suspended and resumed without losing a connection"),
      row(
        21,
        "held",
        "Binding is retried; a dead listener is rebuilt; running out of descriptors is survived; health checks are counted apart",
      ),
      row(
        22,
        "held",
        "A maximum number of connections; further ones are rejected with a farewell and counted",
      ),
      row(23, "held", "Limits and accept rates per address, and allow and deny lists"),
      row(
        24,
        "held",
        "Events over the life of a connection, from the first byte to the end; a handler that throws only ends its own connection",
      ),
      row(25, "held", "Each connection has an id, addresses, times, counters and a value of your own"),
      row(26, "held", "Socket options: no delay, keepalive; a hook per connection"),
      row(27, "held", "PROXY protocol 1 and 2, accepted from trusted addresses only, and sent"),
      row(28, "held", "A new process takes over the port while the old one drains"),
    ],
  },
  {
    title: "TLS",
    rows: [
      row(29, "held", "TLS 1.2 and 1.3 on servers, with limits on versions and ciphers", {
        instead: {
          bun: "`ciphers` of TLS 1.3 are rejected at the start",
          deno: "`ciphers` are rejected at the start",
        },
      }),
      row(30, "held", "Client certificates, requested or required, and the identity in them"),
      row(
        31,
        "held",
        "Several certificates by name, replaced while running; a bad one is rejected, and the old one stays",
      ),
      row(32, "held", "ALPN"),
      row(
        33,
        "held",
        "TLS on clients: own CAs, name and certificate; always verified unless explicitly disabled",
      ),
      row(34, "held", "STARTTLS on clients and servers"),
    ],
  },
  {
    title: "Client",
    rows: [
      row(35, "held", "A client with the WinterTC sockets API"),
      row(36, "held", "A client connection with the server's framing, limits and methods"),
      row(37, "held", "Reconnecting with back-off; unsent frames are kept up to a limit, or reported"),
      row(38, "held", "Pools over several targets, with health checks and a circuit breaker"),
      row(39, "held", "Requests matched with replies, in order or by key, with time limits"),
      row(40, "held", "The same client on workerd, and framed connections over its sockets"),
    ],
  },
  {
    title: "Backpressure and sending",
    rows: [
      row(41, "held", "A slow handler stops reading until the peer's window closes; memory stays bounded"),
      row(
        42,
        "held",
        "A slow peer makes `send` wait, drops the newest or oldest frame, or closes the connection, as configured",
      ),
      row(43, "held", "Frames sent in one turn are written together"),
      row(44, "held", "Broadcast to all or some, encoded once"),
      row(45, "held", "Send to a connection by its id; an unknown id is a typed error"),
      row(46, "held", "Close a connection by its id, with a reason and a code"),
      row(47, "held", "Half-close: one side has ended, the other still sends"),
    ],
  },
  {
    title: "Workers",
    rows: [
      row(
        48,
        "held",
        "Connections spread over workers, each staying with its worker; a failed worker is restarted",
      ),
      row(49, "held", "Several processes on one port, each with its priority and cores"),
    ],
  },
  {
    title: "Observability",
    rows: [
      row(50, "held", "Metrics as Prometheus text, and metrics, log records and spans over OTLP"),
      row(51, "held", "Rates and sizes every second, for the server and each connection"),
      row(52, "held", "Listener and connections as data"),
      row(53, "held", "Structured logs, and a trace span for each connection"),
    ],
  },
  {
    title: "Gateway",
    rows: [
      row(
        54,
        "held",
        "Configuration in YAML, JSON or TOML; all faults at once, with position and expected value",
      ),
      row(55, "held", "Every frame is published to a bus subject, with its sender"),
      row(
        56,
        "held",
        "Messages from the bus go to the connection that they name; replies return to the sender",
      ),
      row(57, "held", "Buses: in-process, lines of JSON on standard streams, NATS, JetStream, Redis Streams"),
      row(58, "held", "No frame is lost between a socket and JetStream"),
      row(59, "held", "Commands on a control subject: list, close, drain, suspend, resume"),
      row(60, "partly", "An admin endpoint: metrics, health, readiness, connections, a live page", {
        missing: "the live page",
      }),
      row(61, "held", "Codecs: modules that turn frames into messages and back"),
    ],
  },
  {
    title: "More",
    rows: [
      row(
        62,
        "held",
        "One record of how each connection ended: which side, why, where in the stream, what was lost",
        {
          instead: { deno: `the same, but instead of a reset ${fin}` },
        },
      ),
      row(63, "held", "Three read clocks and a minimum byte rate"),
      row(
        64,
        "held",
        "A wrong peer is recognized: HTTP, TLS, PROXY, the other byte order, the other framing",
      ),
      row(65, "held", "Draining raw TCP: a farewell between frames, closes spread over time, a report", {
        instead: { deno: `at the deadline ${fin}` },
      }),
      row(
        66,
        "held",
        "One memory budget for the process; the largest stalled connections are closed first",
      ),
      row(67, "held", "Every send has one outcome: sent, dropped by which policy, or failed and where"),
      row(
        68,
        "held",
        "After a stall or a clock jump, no connection is closed for time that the process lost",
      ),
      row(69, "held", "TLS handshakes have their own limit"),
      row(70, "held", "Closing by policy: a farewell, a temporary ban, an audit event", {
        instead: { deno: fin },
      }),
      row(
        71,
        "held",
        "Test tools: a network and a clock without sockets and waiting, and assertions for framings",
      ),
      row(72, "held", "Recording a connection's chunks and times, and replaying them"),
      row(73, "held", "The handler's types come from the framing; contradicting options do not compile"),
      row(74, "held", "Limits that change while the server runs"),
    ],
  },
  {
    title: "What the field asks for",
    rows: [
      row(75, "held", "Listening on an inherited socket, and a restart that hands it to the new process"),
      row(76, "held", "Order and exactly-once per connection across failures of the bus"),
      row(77, "held", "Device identity: an alias read from a frame, by which to send and to close"),
      row(78, "held", "Who the peer is, on every message: TLS names and PROXY fields"),
      row(79, "held", "Silence as the end of a frame"),
      row(
        80,
        "held",
        "Checksums around any framing, verified and written: XOR, sums, CRC-16 variants, CRC-32",
      ),
      row(81, "held", "Another framing from a frame boundary on, with the bytes behind it kept"),
      row(82, "held", "Several protocols on one port, told by the first bytes"),
      row(
        83,
        "held",
        "Acknowledgements of the link, in both directions: at once or when a frame is stored, with bounded repeats",
      ),
      row(84, "held", "A longest life of a connection, with jitter, ended at a frame boundary"),
      row(85, "held", "A bounded queue on disk for devices that cannot wait"),
      row(
        86,
        "held",
        "The sockets API of WinterTC, both ways: framed connections over sockets that a host hands over",
      ),
    ],
  },
];

/**
 * Bytes of protocols whose frames include their header, most of them from captures and from test suites of implementations;
 * `source` says which.
 */
import type { Framing } from "../../src/core/framing/framing.ts";
import { mqtt } from "../../src/protocols/mqtt.ts";
import { opcua } from "../../src/protocols/opcua.ts";
import { postgres } from "../../src/protocols/postgres.ts";
import { resp } from "../../src/protocols/resp.ts";
import { syslog } from "../../src/protocols/syslog.ts";
import { tpkt } from "../../src/protocols/tpkt.ts";

interface Wire {
  readonly id: string;
  /** That of the side which receives these bytes. */
  readonly framing: Framing<Uint8Array>;
  /** That of the side which sends them. @default framing */
  readonly sender?: Framing<Uint8Array>;
  /** In hexadecimal digits. */
  readonly wire: string;
  /** The sizes of the frames on the wire, in order. */
  readonly frames: readonly number[];
  /** Bytes at the beginning of each that are not passed on. @default 0 */
  readonly headers?: readonly number[];
  readonly source: string;
}

export const wires: readonly Wire[] = [
  {
    id: "tpkt-1",
    framing: tpkt(),
    wire: "0300002c27e00000000000436f6f6b69653a206d737473686173683d656c746f6e730d0a01000800" +
      "00000000",
    frames: [44],
    source: "MS-RDPBCGR 4.1.1 (seen in public code that quotes it, 4 hits)",
  },
  {
    id: "syslog-octets",
    framing: syslog(),
    wire: "313130203c33343e3120323030332d31302d31315432323a31343a31352e3030335a206d796d6163" +
      "68696e652e6578616d706c652e636f6d207375202d2049443437202d20efbbbf27737520726f6f74" +
      "27206661696c656420666f72206c6f6e7669636b206f6e202f6465762f7074732f38",
    frames: [114],
    headers: [4],
    source: "message of RFC 5424 section 6.5 example 1, framed by RFC 6587 3.4.1",
  },
  {
    id: "resp-1",
    framing: resp(),
    wire: "2a320d0a24340d0a4c4c454e0d0a24360d0a6d796c6973740d0a",
    frames: [26],
    source: "redis/redis-specifications@1252427 protocol/RESP2.md line 309",
  },
  {
    id: "resp-3",
    framing: resp(),
    wire: "2a320d0a2a330d0a3a310d0a3a320d0a3a330d0a2a320d0a2b466f6f0d0a2d4261720d0a",
    frames: [36],
    source: "RESP2.md, nested array, lines 243-258",
  },
  {
    id: "resp-4",
    framing: resp(),
    wire: "2a330d0a24330d0a5345540d0a24340d0a746573740d0a24320d0a68690d0a",
    frames: [31],
    source: "zeek Traces/redis/set.pcap",
  },
  {
    id: "resp-6 inline",
    framing: resp(),
    wire: "5055424c49534820466f6f20224869207468657265203a29220d0a",
    frames: [27],
    source: "zeek Traces/redis: an inline command",
  },
  {
    id: "pg-sslrequest",
    framing: postgres(),
    sender: postgres({ side: "client" }),
    wire: "0000000804d2162f",
    frames: [8],
    source: "zeek Traces/postgresql/psql-login.pcap (no type byte)",
  },
  {
    id: "pg-ssl-no",
    framing: postgres({ side: "client" }),
    sender: postgres(),
    wire: "4e",
    frames: [1],
    source: "zeek Traces/postgresql/psql-login.pcap: one byte answers an SSLRequest",
  },
  {
    id: "pg-auth",
    framing: postgres({ side: "client" }),
    sender: postgres(),
    wire: "52000000170000000a534352414d2d5348412d3235360000",
    frames: [24],
    source: "zeek Traces/postgresql/psql-login.pcap",
  },
  {
    id: "mqtt-1",
    framing: mqtt(),
    wire: "102500064d51497364700302000500177061686f2f33344141453534413735443833393536364582" +
      "100001000b53616d706c65546f70696300c000",
    frames: [39, 18, 2],
    source: "zeek Traces/mqtt.pcap client side (MQIsdp 3); parsed by npm mqtt-packet@9.0.2",
  },
  {
    id: "opcua-hel",
    framing: opcua(),
    wire: "48454c464f00000000000000ffff0000ffff000000004000000000002f0000006f70632e7463703a" +
      "2f2f746174746174613a36323534332f41414141412f4167677265676174696f6e536572766572",
    frames: [79],
    source:
      "node-opcua/node-opcua@8f13f6a packages/node-opcua-transport/test-fixtures/fixture_full_tcp_packets.ts",
  },
  {
    id: "opcua-opn",
    framing: opcua(),
    wire: "4f504e4684000000000000002f000000687474703a2f2f6f7063666f756e646174696f6e2e6f7267" +
      "2f55412f5365637572697479506f6c696379234e6f6e65ffffffffffffffff010000000200000001" +
      "00be01000043b242d9d01dcf010000000000000000ffffffff000000000000000000000000000000" +
      "010000000000000080ee3600",
    frames: [132],
    source:
      "node-opcua/node-opcua@8f13f6a packages/node-opcua-transport/test-fixtures/fixture_full_tcp_packets.ts",
  },
];

/**
 * Frames of real protocols, and the settings of `lengthField`, `varintField` and `berField` that cut them. Most are from captures and from test suites of
 * implementations; `source` says which.
 */
import type { LengthFieldOptions } from "../../../src/core/framing/length_options.ts";
import type { VariableLengthOptions } from "../../../src/core/framing/variable_length.ts";

export interface Vector<Options> {
  readonly id: string;
  readonly options: Options;
  /** The bytes on the wire, in hexadecimal digits. */
  readonly wire: string;
  /** The sizes of the frames, in order. */
  readonly frames: readonly number[];
  readonly source: string;
}

/** The length counts from the control byte to the last of the user's, without the checksums: two bytes for each 16. */
const dnp3: LengthFieldOptions = {
  lengthOffset: 2,
  lengthBytes: 1,
  headerBytes: 10,
  frameSize: (length) => length < 5 ? NaN : length + 5 + 2 * Math.ceil((length - 5) / 16),
};

export const lengthVectors: readonly Vector<LengthFieldOptions>[] = [
  {
    id: "modbus-1",
    options: { lengthOffset: 4, lengthBytes: 2 },
    wire: "000100000008010f000000030100000100000006010f00000003",
    frames: [14, 12],
    source: "zeek Traces/modbus/modbusSmall.pcap",
  },
  {
    id: "modbus-3",
    options: { lengthOffset: 4, lengthBytes: 2 },
    wire: "00000000000c002b0e01004db70000000000000000000003ffab04",
    frames: [18, 9],
    source: "zeek Traces/modbus/modbusSmall.pcap, answer and exception",
  },
  {
    id: "modbus-4",
    options: { lengthOffset: 4, lengthBytes: 2 },
    wire: "0c0500000006ff03007c0002",
    frames: [12],
    source: "pymodbus@7361275 test/framer/test_framer.py",
  },
  {
    id: "dns-1",
    options: { lengthBytes: 2 },
    wire: "003c8076012000010000000000010977696b697065646961036f7267000001000100002910000000" +
      "00000012000a0008c814985a928a6342000b0002000a",
    frames: [62],
    source: "zeek Traces/dns-edns-tcp-keepalive.pcap",
  },
  {
    id: "tpkt-1",
    options: { lengthOffset: 2, lengthBytes: 2, lengthIncludesHeader: true },
    wire: "0300002c27e00000000000436f6f6b69653a206d737473686173683d656c746f6e730d0a01000800" +
      "00000000",
    frames: [44],
    source: "MS-RDPBCGR 4.1.1 (quoted by public code)",
  },
  {
    id: "smpp-bind",
    options: { lengthBytes: 4, headerBytes: 16, lengthIncludesHeader: true },
    wire: "0000002f000000020000000000000001534d50503354455354007365637265743038005355424d49" +
      "54310050010100",
    frames: [47],
    source: 'SMPP 5.0 section 3.2.2 "A sample PDU" (quoted by 10 public sources); parsed by npm smpp@0.5.1',
  },
  {
    id: "diameter-cer",
    options: { lengthOffset: 1, lengthBytes: 3, headerBytes: 20, lengthIncludesHeader: true },
    wire: "010000cc8000010100000000a8cc407da8c1b2b4000001084000000c746573740000012840000011" +
      "6c6f63616c686f7374000000000001014000000e00010a01000100000000010a4000000c0000000d" +
      "0000010d00000013676f2d6469616d6574657200000001164000000c5350228a000001094000000c" +
      "000028af000001094000000c0000000d000001024000000c000000040000012b4000000c00000000" +
      "0000010440000020000001024000000c000000040000010a4000000c000028af0000010b0000000c" +
      "00000001",
    frames: [204],
    source: "fiorix/go-diameter@ad16c7e diam/message_test.go testMessage",
  },
  {
    id: "opcua-hel",
    options: { lengthOffset: 4, lengthBytes: 4, endian: "little", lengthIncludesHeader: true },
    wire: "48454c464f00000000000000ffff0000ffff000000004000000000002f0000006f70632e7463703a" +
      "2f2f746174746174613a36323534332f41414141412f4167677265676174696f6e536572766572",
    frames: [79],
    source:
      "node-opcua/node-opcua@8f13f6a packages/node-opcua-transport/test-fixtures/fixture_full_tcp_packets.ts",
  },
  {
    id: "opcua-opn",
    options: { lengthOffset: 4, lengthBytes: 4, endian: "little", lengthIncludesHeader: true },
    wire: "4f504e4684000000000000002f000000687474703a2f2f6f7063666f756e646174696f6e2e6f7267" +
      "2f55412f5365637572697479506f6c696379234e6f6e65ffffffffffffffff010000000200000001" +
      "00be01000043b242d9d01dcf010000000000000000ffffffff000000000000000000000000000000" +
      "010000000000000080ee3600",
    frames: [132],
    source:
      "node-opcua/node-opcua@8f13f6a packages/node-opcua-transport/test-fixtures/fixture_full_tcp_packets.ts",
  },
  {
    id: "iec104-u",
    options: { lengthOffset: 1, lengthBytes: 1 },
    wire: "68040700000068040b000000680443000000680483000000680413000000680423000000",
    frames: [6, 6, 6, 6, 6, 6],
    source:
      "mz-automation/lib60870@7a388e3 cs104_connection.c (STARTDT, TESTFR, STOPDT act/con); secdev/scapy test/contrib/iec104.uts",
  },
  {
    id: "iec104-i-seq",
    options: { lengthOffset: 1, lengthBytes: 1 },
    wire: "681f2c000400019214002300125400000000000000000000000000000000000000",
    frames: [33],
    source:
      "mz-automation/lib60870@7a388e3 cs104_connection.c (STARTDT, TESTFR, STOPDT act/con); secdev/scapy test/contrib/iec104.uts",
  },
  {
    id: "pg-sslrequest",
    options: { lengthBytes: 4, lengthIncludesHeader: true },
    wire: "0000000804d2162f",
    frames: [8],
    source: "zeek Traces/postgresql/psql-login.pcap (no type byte)",
  },
  {
    id: "pg-auth",
    options: { lengthOffset: 1, lengthBytes: 4, adjustment: -4 },
    wire: "52000000170000000a534352414d2d5348412d3235360000",
    frames: [24],
    source: "zeek Traces/postgresql/psql-login.pcap (no type byte)",
  },
  {
    id: "dlms-wrapper",
    options: { lengthOffset: 6, lengthBytes: 2 },
    wire: "0001000100010046db082f192291991641033b30000001e5025ce9d2271fd78be8c204211a916a9d" +
      "7f587e0a7a814cadea89e9593f01f92ea8c087b5bdfdefeab6becf282dfe49c08f5be6dc8400",
    frames: [78],
    source: "pwitab/dlms-cosem tests/test_udp_message.py (wrapper of IEC 62056-47, the same over TCP)",
  },
  {
    id: "hdlc-snrm",
    options: { lengthOffset: 1, lengthBytes: 2, lengthMask: 0x7ff, adjustment: -1 },
    wire: "7ea00802232193bd647e",
    frames: [10],
    source: "pwitab/dlms-cosem@dc41293 tests/test_hdlc/test_hdlc.py; FCS recomputed",
  },
  {
    id: "hdlc-aarq",
    options: { lengthOffset: 1, lengthBytes: 2, lengthMask: 0x7ff, adjustment: -1 },
    wire: "7ea02c02232110af9fe6e600601da109060760857405080101be10040e01000000065f1f0400001e" +
      "1dffffc5e47e",
    frames: [46],
    source: "pwitab/dlms-cosem@dc41293 tests/test_hdlc/test_hdlc.py; FCS recomputed",
  },
  {
    id: "hdlc-aare",
    options: { lengthOffset: 1, lengthBytes: 2, lengthMask: 0x7ff, adjustment: -1 },
    wire: "7ea0382102233034e7e6e7006129a109060760857405080101a203020100a305a103020100be1004" +
      "0e0800065f1f0400001e1d04c80007b86a7e",
    frames: [58],
    source: "pwitab/dlms-cosem@dc41293 tests/test_hdlc/test_hdlc.py; FCS recomputed",
  },
  {
    id: "iso-2be",
    options: { lengthBytes: 2 },
    wire: "013f4141414141414141414141414141414141414141414141414141414141414141414141414141" +
      "41414141414141414141414141414141414141414141414141414141414141414141414141414141" +
      "41414141414141414141414141414141414141414141414141414141414141414141414141414141" +
      "41414141414141414141414141414141414141414141414141414141414141414141414141414141" +
      "41414141414141414141414141414141414141414141414141414141414141414141414141414141" +
      "41414141414141414141414141414141414141414141414141414141414141414141414141414141" +
      "41414141414141414141414141414141414141414141414141414141414141414141414141414141" +
      "41414141414141414141414141414141414141414141414141414141414141414141414141414141" +
      "41",
    frames: [321],
    source: "moov-io/iso8583@b7a9ed4 network/binary_2bytes_test.go: 319 -> 01 3F",
  },
  {
    id: "iso-bcd2",
    options: { lengthBytes: 2, lengthFormat: "bcd" },
    wire: "01154141414141414141414141414141414141414141414141414141414141414141414141414141" +
      "41414141414141414141414141414141414141414141414141414141414141414141414141414141" +
      "41414141414141414141414141414141414141414141414141414141414141414141414141",
    frames: [117],
    source: "moov-io/iso8583 network/bcd_2bytes_test.go: 115 -> 01 15",
  },
  {
    id: "iso-vml",
    options: { lengthBytes: 2, headerBytes: 4 },
    wire: "000f0000414141414141414141414141414141",
    frames: [19],
    source: "moov-io/iso8583 network/vml_header_test.go: 15 -> 00 0F 00 00; max 2048",
  },
  {
    id: "iso-cs-keepalive",
    options: { lengthBytes: 2, headerBytes: 4 },
    wire: "00000000",
    frames: [4],
    source: "jpos/jPOS@3ff2951 CSChannel.getMessageLength: length 0 is a keepalive, the 4 bytes are echoed",
  },
  {
    id: "iso-nac-tpdu",
    options: { lengthBytes: 2 },
    wire: "00146000018000414141414141414141414141414141",
    frames: [22],
    source:
      "constructed from jPOS NACChannel: 2-byte BE counts the 5-byte TPDU; answer swaps bytes 1-2 with 3-4",
  },
  {
    id: "mysql-1",
    options: { lengthBytes: 3, endian: "little", headerBytes: 4 },
    wire: "340000000a352e302e3534005e0000003e7e24347574682c002ca221020000000000000000000000" +
      "0000003e36313249575a3e66685758000700000200000002000000",
    frames: [56, 11],
    source: "zeek Traces/mysql/mysql.pcap, server side",
  },
  {
    id: "enip-register",
    options: { lengthOffset: 2, lengthBytes: 2, endian: "little", headerBytes: 24 },
    wire: "65000400000000000000000000000000000000000000000001000000",
    frames: [28],
    source: "secdev/scapy test/contrib/enipTCP.uts registerSessionReqPkt",
  },
  {
    id: "bgp-keepalive",
    options: { lengthOffset: 16, lengthBytes: 2, headerBytes: 19, lengthIncludesHeader: true },
    wire: "ffffffffffffffffffffffffffffffff001304",
    frames: [19],
    source: "secdev/scapy test/contrib/bgp.uts",
  },
  {
    id: "gt06-login",
    options: { lengthOffset: 2, lengthBytes: 1, adjustment: 2 },
    wire: "78780d01012345678901234500018cdd0d0a",
    frames: [18],
    source:
      "GT06 GPS Tracker Communication Protocol (Concox) 5.1 login example, quoted in 10 public tests; CRC recomputed",
  },
  {
    id: "dnp3-reset",
    options: dnp3,
    wire: "056405c001000004e921",
    frames: [10],
    source: "dnp3/opendnp3@c1dc716 cpp/tests/unit/TestLinkFrame.cpp; every CRC recomputed",
  },
  {
    id: "dnp3-read",
    options: dnp3,
    wire: "056414c4020003004503c7c8013c02063c03063c04063c010642ac",
    frames: [27],
    source: "zeek Traces/dnp3/dnp3_read.pcap; every CRC recomputed",
  },
  {
    id: "dnp3-select x2",
    options: dnp3,
    wire: "05641ac40200030040f2c6c7030c0128010001000301640000008fda6400000000005b05641ac402" +
      "00030040f2c7c8040c012801000100030164000000a9cf6400000000005b",
    frames: [35, 35],
    source: "zeek Traces/dnp3/dnp3_select_operate.pcap; every CRC recomputed",
  },
];

export const varintVectors: readonly Vector<VariableLengthOptions>[] = [
  {
    id: "protobuf-1",
    options: { keepHeader: true },
    wire: "030896010003089601",
    frames: [4, 1, 4],
    source: 'protobuf.dev "Encoding": Test1{a:150} = 08 96 01, behind its length as writeDelimitedTo does',
  },
  {
    id: "mqtt-1",
    options: { lengthOffset: 1, maxLengthBytes: 4 },
    wire: "102500064d51497364700302000500177061686f2f33344141453534413735443833393536364582" +
      "100001000b53616d706c65546f70696300c000",
    frames: [39, 18, 2],
    source: "zeek Traces/mqtt.pcap client side (MQIsdp 3)",
  },
];

export const berVectors: readonly Vector<VariableLengthOptions>[] = [
  {
    id: "ldap-bind+unbind",
    options: { lengthOffset: 1 },
    wire: "302a0201016025020103041a636e3d61646d696e2c64633d6578616d706c652c64633d636f6d8004" +
      "7a65656b30050201034200",
    frames: [44, 7],
    source: "zeek Traces/ldap/ldap-who-am-i.pcap",
  },
];

/**
 * Bytes of devices and their protocols, as they are on the wire: from captures, from documents and from tests of other
 * implementations, each with its source. Two break the rule of their protocol, as real devices do.
 */

/** One stream of bytes. */
export interface Vector {
  readonly id: string;
  /** The preset it belongs to. */
  readonly preset: string;
  readonly source: string;
  /** Hex digits. */
  readonly wire: string;
  /** Sizes of its frames on the wire, in order. */
  readonly frames: readonly number[];
  /** What is wrong with it. */
  readonly breaks?: "checksum" | "length";
}

const a = (count: number): string => "41".repeat(count);

export const deviceVectors: readonly Vector[] = [
  {
    id: "modbus-1",
    preset: "modbus",
    source: "zeek Traces/modbus/modbusSmall.pcap",
    wire: "000100000008010f000000030100000100000006010f00000003",
    frames: [14, 12],
  },
  {
    id: "modbus-3",
    preset: "modbus",
    source: "zeek Traces/modbus/modbusSmall.pcap, answer and exception",
    wire: "00000000000c002b0e01004db70000000000000000000003ffab04",
    frames: [18, 9],
  },
  {
    id: "modbus-4",
    preset: "modbus",
    source: "pymodbus@7361275 test/framer/test_framer.py",
    wire: "0c0500000006ff03007c0002",
    frames: [12],
  },
  {
    id: "mllp-1",
    preset: "mllp",
    source: "johnpaulett/python-hl7@e41436a tests/test_mllp.py MLLPStreamWriterTest",
    wire: "0b666f6f6261721c0d",
    frames: [9],
  },
  {
    id: "mllp-r2-ack",
    preset: "mllp",
    source:
      "nextgenhealthcare/connect@0f6a409 MLLPModeProperties.java (ackBytes 06, nackBytes 15, sent as an MLLP block)",
    wire: "0b061c0d",
    frames: [4],
  },
  {
    id: "mllp-r2-nak",
    preset: "mllp",
    source:
      "nextgenhealthcare/connect@0f6a409 MLLPModeProperties.java (ackBytes 06, nackBytes 15, sent as an MLLP block)",
    wire: "0b151c0d",
    frames: [4],
  },
  {
    id: "iso-2be",
    preset: "iso8583",
    source: "moov-io/iso8583@b7a9ed4 network/binary_2bytes_test.go: 319 -> 01 3F",
    wire: "013f" + a(319),
    frames: [321],
  },
  {
    id: "iso-bcd2",
    preset: "iso8583",
    source: "moov-io/iso8583 network/bcd_2bytes_test.go: 115 -> 01 15",
    wire: "0115" + a(115),
    frames: [117],
  },
  {
    id: "iso-vml",
    preset: "iso8583",
    source: "moov-io/iso8583 network/vml_header_test.go: 15 -> 00 0F 00 00; max 2048",
    wire: "000f0000" + a(15),
    frames: [19],
  },
  {
    id: "iso-cs-keepalive",
    preset: "iso8583",
    source: "jpos/jPOS@3ff2951 CSChannel.getMessageLength: length 0 is a keepalive, the 4 bytes are echoed",
    wire: "00000000",
    frames: [4],
  },
  {
    id: "iso-nac-tpdu",
    preset: "iso8583",
    source:
      "constructed from jPOS NACChannel: 2-byte BE counts the 5-byte TPDU; answer swaps bytes 1-2 with 3-4",
    wire: "00146000018000" + a(15),
    frames: [22],
  },
  {
    id: "fix-1",
    preset: "fix",
    source:
      'Wikipedia "Financial Information eXchange", execution report; length 178 and checksum 128 recomputed',
    wire:
      "383d4649582e342e3201393d3137380133353d380134393d50484c580135363d504552530135323d32303037313132332d30353a33303a30302e3030300131313d41544f4d4e4f434343393939303930300132303d33013135303d450133393d450135353d4d534654013136373d43530135343d310133383d31350134303d320134343d31350135383d50484c58204551554954592054455354494e470135393d300134373d430133323d300133313d30013135313d31350131343d3001363d300131303d31323801",
    frames: [201],
  },
  {
    id: "nmea-1",
    preset: "nmea",
    source: "gpsinformation.org/dale/nmea.htm; checksum recomputed",
    wire:
      "2447504747412c3132333531392c343830372e3033382c4e2c30313133312e3030302c452c312c30382c302e392c3534352e342c4d2c34362e392c4d2c2c2a34370d0a",
    frames: [67],
  },
  {
    id: "nmea-3",
    preset: "nmea",
    source: "gpsinformation.org/dale/nmea.htm; checksum recomputed",
    wire:
      "21414956444d2c312c312c2c412c3133484f493a305030303030564f484c436e48514b77764c303549702c302a32330d0a",
    frames: [49],
  },
  {
    id: "nmea-wrong-sum",
    preset: "nmea",
    source: "pyais README.md line 40: the sum printed is 4E, the right one 0E",
    wire: "21414956444d2c312c312c2c422c31354d776b5431503337473f666c30454a6252304f775430404d532c302a34450d0a",
    frames: [48],
    breaks: "checksum",
  },
  {
    id: "stx-after-start",
    preset: "stxEtx",
    source: "the rule of the UIC PP791 manual, section 4, and of Star TCP300II 3-4",
    wire: "024142430343",
    frames: [6],
  },
  {
    id: "stx-payload-7f",
    preset: "stxEtx",
    source: "the rule of ECR17, std",
    wire: "02414243033f",
    frames: [6],
  },
  {
    id: "stx-payload-end-7f",
    preset: "stxEtx",
    source: "the rule of ECR17, noext",
    wire: "02414243033c",
    frames: [6],
  },
  {
    id: "stx-all",
    preset: "stxEtx",
    source: "the rule of ICS Electronics 4863",
    wire: "024142430341",
    frames: [6],
  },
  {
    id: "astm-1",
    preset: "astm",
    source: "kxepal/python-astm@606a774 astm/tests/test_codecs.py; checksum recomputed",
    wire: "0231417c427c437c440d0342460d0a",
    frames: [15],
  },
  {
    id: "gt06-login",
    preset: "gt06",
    source:
      "GT06 GPS Tracker Communication Protocol (Concox) 5.1 login example, quoted in 10 public tests; CRC recomputed",
    wire: "78780d01012345678901234500018cdd0d0a",
    frames: [18],
  },
  {
    id: "gt06-mixed",
    preset: "gt06",
    source:
      "traccar/traccar@9e5c458 Gt06ProtocolDecoderTest.java: 7979 (2-byte length) and 7878 (1-byte length) frames; CRC recomputed",
    wire: "79790008940b02e3048614200d0a787805120099abec0d0a",
    frames: [14, 10],
  },
  {
    id: "gt06-wrong-length",
    preset: "gt06",
    source:
      "traccar Gt06FrameDecoderTest.java: a real device whose length field says 3; Traccar falls back to the next 0D 0A",
    wire:
      "787803691604130318491475905bd30e25001e10bbf7635d14759006e626560501cc0028660f213228660f1f2828660ea81e286610731428660f20140d0a",
    frames: [62],
    breaks: "length",
  },
  {
    id: "teltonika-ping+imei",
    preset: "teltonika",
    source: "traccar TeltonikaFrameDecoderTest.java",
    wire: "ff000f313233343536373839303132333435",
    frames: [1, 17],
  },
  {
    id: "iec104-u",
    preset: "iec104",
    source:
      "mz-automation/lib60870@7a388e3 cs104_connection.c (STARTDT, TESTFR, STOPDT act/con); secdev/scapy test/contrib/iec104.uts",
    wire: "68040700000068040b000000680443000000680483000000680413000000680423000000",
    frames: [6, 6, 6, 6, 6, 6],
  },
  {
    id: "iec104-i-seq",
    preset: "iec104",
    source:
      "mz-automation/lib60870@7a388e3 cs104_connection.c (STARTDT, TESTFR, STOPDT act/con); secdev/scapy test/contrib/iec104.uts",
    wire: "681f2c000400019214002300125400000000000000000000000000000000000000",
    frames: [33],
  },
  {
    id: "dnp3-reset",
    preset: "dnp3",
    source: "dnp3/opendnp3@c1dc716 cpp/tests/unit/TestLinkFrame.cpp; every CRC recomputed",
    wire: "056405c001000004e921",
    frames: [10],
  },
  {
    id: "dnp3-read",
    preset: "dnp3",
    source: "zeek Traces/dnp3/dnp3_read.pcap; every CRC recomputed",
    wire: "056414c4020003004503c7c8013c02063c03063c04063c010642ac",
    frames: [27],
  },
  {
    id: "dnp3-select x2",
    preset: "dnp3",
    source: "zeek Traces/dnp3/dnp3_select_operate.pcap; every CRC recomputed",
    wire:
      "05641ac40200030040f2c6c7030c0128010001000301640000008fda6400000000005b05641ac40200030040f2c7c8040c012801000100030164000000a9cf6400000000005b",
    frames: [35, 35],
  },
  {
    id: "hdlc-snrm",
    preset: "hdlc",
    source: "pwitab/dlms-cosem@dc41293 tests/test_hdlc/test_hdlc.py; FCS recomputed",
    wire: "7ea00802232193bd647e",
    frames: [10],
  },
  {
    id: "hdlc-aarq",
    preset: "hdlc",
    source: "pwitab/dlms-cosem@dc41293 tests/test_hdlc/test_hdlc.py; FCS recomputed",
    wire: "7ea02c02232110af9fe6e600601da109060760857405080101be10040e01000000065f1f0400001e1dffffc5e47e",
    frames: [46],
  },
  {
    id: "hdlc-aare",
    preset: "hdlc",
    source: "pwitab/dlms-cosem@dc41293 tests/test_hdlc/test_hdlc.py; FCS recomputed",
    wire:
      "7ea0382102233034e7e6e7006129a109060760857405080101a203020100a305a103020100be10040e0800065f1f0400001e1d04c80007b86a7e",
    frames: [58],
  },
];

/** Those of one preset that keep its rule. */
export function vectorsOf(preset: string): readonly Vector[] {
  return deviceVectors.filter((vector) => vector.preset === preset && vector.breaks === undefined);
}

/** The one of this name. */
export function vector(id: string): Vector {
  const found = deviceVectors.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there are no bytes named ${id}`);
  return found;
}

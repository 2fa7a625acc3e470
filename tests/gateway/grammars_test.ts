// Durations, sizes, addresses and framings as text: one table each, run through the library, the configuration and the
// command line, which all read the same and refuse the same in the same words.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import { parseFraming } from "../../src/protocols/framing_text.ts";
import type { Framing } from "../../src/core/framing/framing.ts";
import { lines } from "../../src/core/framing/lines.ts";
import { formatAddress, readAddress } from "../../src/core/text/address.ts";
import { wanted } from "../../src/core/text/reading.ts";
import { type DurationInput, toMilliseconds } from "../../src/core/time/duration.ts";
import type { SizeInput } from "../../src/core/text/size.ts";
import { address, duration, host, limit, path, port, size } from "../../src/gateway/cli/option_values.ts";
import { framingSpec } from "../../src/gateway/cli/framing_spec.ts";
import { runProgram } from "../../src/gateway/cli/program.ts";
import { checkConfig } from "../../src/gateway/config/config.ts";
import { formatFaults } from "../../src/gateway/config/fault.ts";
import { checkInteger, defaults, OptionsCheck } from "../../src/core/options.ts";
import { resolveProfile } from "../../src/connection/profile.ts";
import { resolveTuning } from "../../src/connection/socket_settings.ts";
import { detectAdapter } from "../../src/adapters/detect.ts";
import { it } from "../support/it.ts";
import { memoryShell } from "./cli/memory_shell.ts";

/** What an endpoint of the configuration becomes, or what is wrong with it. */
function configured(endpoint: object): { endpoint?: Record<string, unknown>; fault: string } {
  const result = checkConfig({
    endpoints: [{ name: "a", ...("connect" in endpoint ? {} : { listen: 0 }), ...endpoint }],
  });
  if (result.ok) return { endpoint: result.config.endpoints[0] as never, fault: "" };
  return { fault: formatFaults(result.faults) };
}

/** What a server or a client makes of options, or what is wrong with them. */
function resolved(options: object): { profile?: Record<string, unknown>; fault: string } {
  const check = new OptionsCheck();
  const profile = resolveProfile(check, { framing: lines(), ...options }, undefined);
  try {
    check.done();
    return { profile: profile as never, fault: "" };
  } catch (error) {
    return { fault: (error as OptionsError).message };
  }
}

/** What the program says of this command line, which makes no sense. */
async function refused(...args: string[]): Promise<string> {
  const shell = memoryShell();
  assert.equal(await runProgram(args, shell), 2, args.join(" "));
  return shell.errors.text;
}

function expectedIn(message: string): string {
  return /expected (.*?)(?:;? see millrace \w+ --help)?\s*$/s.exec(message)?.[1] ?? message;
}

describe("durations", () => {
  const accepted: readonly [text: string, ms: number][] = [
    ["500ms", 500],
    ["5 seconds", 5_000],
    ["1.5h", 5_400_000],
    ["60s", 60_000],
    ["5 minutes", 300_000],
    ["2 Days", 172_800_000],
    ["1 week", 604_800_000],
    ["250 micros", 0.25],
    ["2000h", 7_200_000_000],
    ["Infinity", Infinity],
    ["infinity", Infinity],
  ];
  for (const [text, ms] of accepted) {
    it(`library, config and command line take ${JSON.stringify(text)} for ${ms} ms`, () => {
      assert.equal(toMilliseconds(text as DurationInput, "x"), ms);
      assert.equal(resolved({ idleTimeout: text }).profile?.["idle"], ms);
      assert.deepEqual(configured({ idleTimeout: text }).endpoint?.["limits"], { idleTimeout: ms });
      assert.equal(duration()(text), ms);
    });
  }

  for (
    const text of [
      ...[
        "",
        "soon",
        "5 parsecs",
        "-5s",
        "1e3s",
        "0",
        "0s",
        "5m30s",
        "unlimited",
        "never",
        "1,5s",
        ".5s",
        "s",
      ],
      ...["60", "1.5", " 60 "],
    ]
  ) {
    it(`all refuse ${JSON.stringify(text)} in the same words, which name the units`, async () => {
      const library = resolved({ idleTimeout: text }).fault;
      const config = configured({ idleTimeout: text }).fault;
      const program = await refused("serve", `--idle-timeout=${text}`);
      assert.match(
        library,
        /^idleTimeout: found ".*", expected a duration above 0: .*the units are ns, us, ms, s, m/,
      );
      assert.match(config, /^endpoints\[0\]\.idleTimeout: found "/);
      assert.match(program, /^millrace: --idle-timeout: found "/);
      assert.deepEqual([config, program].map(expectedIn), [expectedIn(library), expectedIn(library)]);
    });
  }

  it("are refused without a unit by all, with what to write for seconds and for milliseconds", async () => {
    const said = / 60 has no unit: write "60s" or "60ms"; the units are ns, us, ms, s/;
    assert.match(resolved({ idleTimeout: "60" }).fault, said);
    assert.match(configured({ idleTimeout: "60" }).fault, said);
    assert.match(await refused("serve", "--idle-timeout=60"), said);
    assert.match(await refused("bench", "1", "--duration", "60"), said);
    assert.throws(() => toMilliseconds("60" as DurationInput, "deadline"), said);
    assert.equal(duration({ zero: true })("0"), 0);
  });

  it("stand beside words of their own for tcpKeepAlive, and the message has both", async () => {
    const adapter = await detectAdapter();
    const check = new OptionsCheck();
    const able = { ...adapter, can: { ...adapter.can, keepAliveDelay: true } };
    resolveTuning(check, { tcpKeepAlive: "soon" as "1 second" }, able);
    resolveTuning(check, { tcpKeepAlive: Infinity }, able);
    resolveTuning(check, { tcpKeepAlive: "10h" }, able);
    const issues =
      /tcpKeepAlive: found "soon", expected true, false for no probes, "system", or a duration .*units.*; tcpKeepAlive: found Infinity, expected .*or a duration above 0.*; tcpKeepAlive: found "10h", expected .*or 32,767 seconds or less$/;
    assert.throws(() => check.done(), issues);
    assert.match(
      configured({ tcpKeepAlive: "soon" }).fault,
      /expected true, false, "system", .*a duration above 0: .*units/,
    );
  });

  it("are numbers of milliseconds in the library and in a config, where a number of another kind is none", () => {
    assert.equal(resolved({ idleTimeout: 1500 }).profile?.["idle"], 1500);
    assert.deepEqual(configured({ idleTimeout: 1500 }).endpoint?.["limits"], { idleTimeout: 1500 });
    for (const value of [0, -1, NaN, true, null, [1, 2], { seconds: 5 }, 5n]) {
      assert.match(configured({ idleTimeout: value }).fault, /expected a duration above 0/, String(value));
    }
  });
});

describe("sizes", () => {
  const accepted: readonly [text: string, bytes: number][] = [
    ["65536", 65_536],
    ["64k", 65_536],
    ["64K", 65_536],
    ["64KiB", 65_536],
    ["64 KiB", 65_536],
    ["64kib", 65_536],
    ["1m", 1_048_576],
    ["1.5MiB", 1_572_864],
    ["2g", 2 ** 31],
    ["1 MB", 1_000_000],
    ["1MB", 1_000_000],
    ["0.5 kB", 500],
    ["1gb", 1_000_000_000],
    ["100 B", 100],
    ["Infinity", Infinity],
  ];
  for (const [text, bytes] of accepted) {
    it(`library, config and command line take ${JSON.stringify(text)} for ${bytes} bytes`, () => {
      assert.equal(resolved({ ingressLimit: text }).profile?.["ingressLimit"], bytes);
      assert.deepEqual(configured({ egressLimit: text }).endpoint?.["limits"], { egressLimit: bytes });
      assert.equal(size()(text), bytes);
      const { profile } = resolved({ rateLimit: { bytesPerSecond: text, burstBytes: text } });
      assert.deepEqual(profile?.["rateLimit"], { bytesPerSecond: bytes, burstBytes: bytes });
      assert.deepEqual(configured({ rateLimit: { bytesPerSecond: text } }).endpoint?.["limits"], {
        rateLimit: { bytesPerSecond: bytes },
      });
      const { hint } = parseFraming(`length:4,max=${text}`);
      assert.equal(hint?.kind === "length_field" && hint.maxFrameBytes, bytes);
    });
  }

  for (
    const text of ["", "many", "1 mile", "0", "-1k", "1.5", "0.3k", "1e3", "1tb", "64 k b", "9".repeat(400)]
  ) {
    it(`all refuse ${JSON.stringify(text.slice(0, 20))} in the same words, which name the units`, async () => {
      const library = resolved({ ingressLimit: text }).fault;
      const config = configured({ ingressLimit: text }).fault;
      const program = await refused("bench", "1", `--size=${text}`);
      assert.match(
        library,
        /^ingressLimit: found ".*", expected a number of bytes \(whole, 1 or more\) .*the units are B, KB/,
      );
      assert.equal(expectedIn(config), expectedIn(library));
      assert.match(
        program,
        /--size: found ".*", expected a number of bytes \(whole, 1 to 16777216\) .*the units are B, KB/,
      );
      assert.throws(() => lines({ maxFrameBytes: text as SizeInput }), OptionsError);
      assert.throws(() => parseFraming(`lines,max=${text}`), OptionsError);
    });
  }
});

it("sizes have a maximum where there must be one, in whatever unit", async () => {
  for (const text of ["16777217", "17 MiB", "1g", "Infinity"]) {
    assert.match(
      await refused("bench", "1", `--size=${text}`),
      /--size: found ".*", expected .*1 to 16777216/,
    );
    assert.equal(size({ most: 2 ** 31 })("1g"), 2 ** 30);
  }
});

describe("addresses", () => {
  const accepted: readonly [text: string, shown: string][] = [
    ["127.0.0.1:3034", "127.0.0.1:3034"],
    ["[::1]:3034", "[::1]:3034"],
    ["3034", "127.0.0.1:3034"],
    ["example.org:1", "example.org:1"],
    ["unix:/run/a b.sock", "unix:/run/a b.sock"],
    ["[::FFFF:127.0.0.1]:1", "127.0.0.1:1"],
    ["BÜCHER.example:1", "xn--bcher-kva.example:1"],
  ];
  for (const [text, shown] of [...accepted, [":3034", "127.0.0.1:3034"] as const]) {
    it(`config and command line take ${text} for ${shown} to connect to`, () => {
      const { endpoint } = configured({ connect: text });
      assert.equal(formatAddress(endpoint?.["address"] as never), shown);
      assert.equal(formatAddress(address("connect")(text)), shown);
    });
  }
  for (const [text, shown] of [...accepted, ["0", "127.0.0.1:0"] as const]) {
    it(`they take ${text} for ${shown} to listen on`, () => {
      const { endpoint } = configured({ listen: text });
      assert.equal(formatAddress(endpoint?.["address"] as never), shown);
      assert.equal(formatAddress(address("listen")(text)), shown);
    });
  }

  for (
    const text of [
      ...["", "host", "host:", "host:0", "1:2:3", "::1:80", "unix:", "a b:1", "host:65536", "host:123456"],
      // S-55 and S-48: hosts and paths that no runtime reads as another does.
      ...["*:1", "127.0.0.01:1", "2130706433:1", "[::1%lo]:1", "a..b:1", "a\0b:1", "unix:/a\0b"],
    ]
  ) {
    it(`both refuse ${JSON.stringify(text)} to connect to, in the same words`, async () => {
      const config = configured({ connect: text }).fault;
      const program = await refused("connect", text);
      assert.match(config, /^endpoints\[0\]\.connect: found "/);
      assert.match(program, /^millrace: endpoint: found "/);
      assert.equal(expectedIn(program), expectedIn(config));
    });
  }

  it("without a host are refused to listen on, since it may mean every address of the machine", () => {
    const reading = readAddress(":3034", "listen");
    assert.ok(!reading.ok);
    assert.match(
      wanted(reading),
      /^a host before the port; say which one: 127\.0\.0\.1:3034 for this machine only, /,
    );
  });

  it("in parts are read as they are in one", () => {
    assert.deepEqual([port("0"), host("[::1]"), path("/run/x.sock")], [0, "::1", "/run/x.sock"]);
    for (const text of ["", "-1", "65536", "1.5", "x"]) {
      assert.throws(() => port(text), /a port from 0 to 65535/);
    }
    assert.throws(() => host("*"), /found "\*", expected "::" for every address/);
    assert.throws(() => path("/a\0b"), /expected a path; the path has a zero byte/);
  });
});

describe("framings", () => {
  for (
    const text of [
      ...[
        "lines",
        "lines:crlf",
        "lines:cr",
        "lines,lone-cr",
        "delimited",
        "delimited:\\r\\n,or=\\n",
        "delimited:\\x03,keep",
        "length:2,le",
        "length:4,decimal",
        "varint,shortest",
        "ber,offset=1",
        "length:2,mask=0x7fff,drop-empty",
        "length:4,max=64KiB,skip",
        "length:2,checksum=crc16-x25,checksum-le",
      ],
      ...[
        "lengthField",
        "fixed:16",
        "fixedLength:1k",
        "raw",
        "silence:15ms",
        "fixed:16,discard-after-silence=50ms",
      ],
    ]
  ) {
    it(`library, config and command line take ${text}`, () => {
      const framing = parseFraming(text);
      assert.deepEqual(framingSpec(text).framing.hint, framing.hint);
      const taken = configured({ framing: text }).endpoint?.["framing"] as typeof framing;
      assert.deepEqual([taken.name, taken.hint], [framing.name, framing.hint]);
    });
  }

  it("a configuration's tables have a checksum around any framing (F-80)", () => {
    const nmea = { type: "xor", format: "hex", separator: "*", from: 1 };
    const all = [
      [{ type: "lines", checksum: "xor" }, "AA\nAB\n"],
      [{ type: "lines", checksum: nmea }, "$A*41\n$A*42\n"],
      [{ type: "fixedLength", frameBytes: 3, checksum: { type: "sum16", endian: "little" } }, "A\x41\0B\0\0"],
      [{ type: "netstring", checksum: { type: "xor", keepChecksum: true, seed: 1 } }, "2:A@,2:AA,"],
    ] as const;
    for (const [framing, wire] of all) {
      const { endpoint, fault } = configured({ framing });
      assert.equal(fault, "");
      const made = endpoint?.framing as Framing<Uint8Array>;
      assert.equal(made.name, framing.type);
      let frames = 0;
      const bytes = new TextEncoder().encode(wire);
      assert.throws(() => made.decoder(() => {}).push(bytes, () => frames++), { reason: "checksum" });
      assert.equal(frames, 1);
    }
    const skipping = { type: "lines", onFrameError: "skip", checksum: "xor" };
    const reasons: string[] = [];
    const decoder = (configured({ framing: skipping }).endpoint?.framing as Framing<Uint8Array>)
      .decoder(({ reason }) => reasons.push(reason));
    decoder.push(new TextEncoder().encode("AB\nAA\n"), () => reasons.push("a frame"));
    assert.deepEqual(reasons, ["checksum", "a frame"]);
    const wrong = (checksum: unknown, type = "lines") => configured({ framing: { type, checksum } }).fault;
    assert.match(wrong("md5"), /framing\.checksum: found "md5", expected "xor" or "sum8"/);
    assert.match(wrong(1), /framing\.checksum: found 1, expected the name of a checksum, or a table/);
    assert.match(wrong({}), /framing\.checksum\.type: .*expected one of xor, sum8/);
    assert.match(wrong({ type: "xor", form: "hex" }), /framing\.checksum\.form: .*did you mean "format"/);
    assert.match(
      wrong({ type: "crc32", bytes: 2 }),
      /framing\.checksum\.bytes: found 2, expected a whole number, 4/,
    );
    assert.match(
      wrong({ type: "crc32", seed: 2 }),
      /framing\.checksum\.seed: found 2, expected none with crc32/,
    );
    assert.match(wrong("xor", "raw"), /framing\.checksum\.framing: found "raw"/);
  });

  it("a configuration's tables have several delimiters, and lines that a carriage return ends", () => {
    const delimiter = ["\r\n", { hex: "0a" }];
    for (
      const framing of [{ type: "delimited", delimiter }, {
        type: "lines",
        loneCarriageReturn: true,
        newline: "\r",
      }]
    ) {
      const { endpoint, fault } = configured({ framing });
      assert.equal(fault, "");
      const found: number[] = [];
      const decoder = (endpoint?.framing as Framing<Uint8Array>).decoder(() => {});
      decoder.push(new TextEncoder().encode("one\r\ntwo\nthree\r"), (frame) => found.push(frame.length));
      assert.deepEqual(found, framing.type === "lines" ? [3, 3, 5] : [3, 3]);
    }
    const wrong = (framing: object) => configured({ framing }).fault;
    assert.match(
      wrong({ type: "delimited", delimiter: ["a", 1] }),
      /delimiter: found .*expected text, or bytes/,
    );
    assert.match(
      wrong({ type: "delimited", delimiter: ["a", "a"] }),
      /delimiter: found .*expected each delimiter once/,
    );
    assert.match(
      wrong({ type: "lines", loneCarriageReturn: true, stripCarriageReturn: false }),
      /stripCarriageReturn: found false, expected true with loneCarriageReturn/,
    );
  });

  it("a configuration's tables have the options of lengthField, varintField and berField (F-6)", () => {
    const variable = {
      lengthOffset: 1,
      maxLengthBytes: 4,
      shortestForm: true,
      keepHeader: true,
      maxFrameBytes: "1KiB",
      maxSentFrameBytes: "1KiB",
      emptyFrames: "drop",
      onFrameError: "skip",
    };
    const tables = [
      { type: "lengthField", lengthBytes: 6, lengthMask: 0x7fff, maxSentFrameBytes: 99, emptyFrames: "drop" },
      { type: "lengthField", lengthFormat: "bcd", lengthBytes: 2 },
      { type: "varintField", ...variable },
      { type: "berField", ...variable },
    ];
    for (const framing of tables) {
      const { endpoint, fault } = configured({ framing });
      assert.equal(fault, "");
      assert.equal((endpoint?.framing as { name: string }).name, framing.type);
    }
    assert.match(
      configured({ framing: { type: "berField", maxLengthBytes: 9 } }).fault,
      /maxLengthBytes.*1 to 5/,
    );
    assert.match(configured({ framing: { type: "berField", strip: 1 } }).fault, /it belongs to lengthField/);
  });

  it("a configuration's tables have silence, and discardAfterSilence beside any other framing (F-79)", () => {
    const gapOf = (framing: object): number | undefined => {
      const { endpoint, fault } = configured({ framing });
      assert.equal(fault, "");
      return (endpoint?.framing as ReturnType<typeof parseFraming>).decoder(() => {}).gap;
    };
    assert.equal(gapOf({ type: "silence", gap: "15ms", maxFrameBytes: "256", onFrameError: "skip" }), 15);
    assert.equal(gapOf({ type: "lines", discardAfterSilence: "50ms" }), 50);
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ type: "silence" }, /framing\.gap: .*how long nothing comes after the end of a frame, such as 15ms/],
      [{ type: "silence", gap: "Infinity" }, /framing\.gap: found "Infinity"/],
      [
        { type: "silence", gap: "15ms", discardAfterSilence: "1s" },
        /framing\.discardAfterSilence: found "1s"/,
      ],
      [{ type: "lines", discardAfterSilence: "soon" }, /framing\.discardAfterSilence: found "soon"/],
      [{ type: "lines", gap: "15ms" }, /it belongs to silence, not to lines/],
    ];
    for (const [framing, fault] of wrong) assert.match(configured({ framing }).fault, fault);
  });

  for (
    const text of [
      ...[
        "",
        "line",
        "lines:lfcr",
        "lines,max=1t",
        "delimited:\\q",
        "length:9",
        "fixed:0",
        "raw:1",
        "silence:5",
      ],
      ...["delimited:a,or=", "delimited:a,or=a", "delimited:ab,or=a,keep", "delimited:a,or=b,prefix"],
      ...["lines,checksum=md5", "lines,checksum-le", "raw,checksum=xor"],
    ]
  ) {
    it(`all refuse ${JSON.stringify(text)} in the same words`, async () => {
      let library = "";
      try {
        parseFraming(text);
      } catch (error) {
        library = (error as OptionsError).message;
      }
      const program = await refused("serve", `--framing=${text}`);
      assert.match(library, /^framing: found ".*", expected /);
      assert.equal(configured({ framing: text }).fault, `endpoints[0].${library}`);
      assert.equal(expectedIn(program), expectedIn(library));
    });
  }
});

describe("no limit", () => {
  it("is Infinity for durations, sizes, rates and counts, in code, config and on the command line", () => {
    for (const name of ["idleTimeout", "closeTimeout", "ingressLimit", "egressLimit"]) {
      for (const value of [Infinity, "Infinity"]) {
        assert.equal(resolved({ [name]: value }).fault, "", name);
        assert.deepEqual(configured({ [name]: value }).endpoint?.["limits"], { [name]: Infinity });
      }
    }
    for (const value of [Infinity, "Infinity"]) {
      const { endpoint } = configured({ maxConnections: value, rateLimit: { framesPerSecond: value } });
      assert.deepEqual(endpoint?.["listener"], { maxConnections: Infinity });
      assert.deepEqual(endpoint?.["limits"], { rateLimit: { framesPerSecond: Infinity } });
    }
    assert.deepEqual([limit("Infinity"), limit("0"), limit("12")], [Infinity, 0, 12]);
    const check = new OptionsCheck();
    assert.equal(checkInteger(check, "maxConnections", Infinity, defaults.maxConnections, 0), Infinity);
    checkInteger(check, "maxConnections", -1, defaults.maxConnections, 0);
    assert.throws(() => check.done(), /expected a whole number, 0 or more, or Infinity for no limit/);
    assert.match(
      configured({ maxConnections: "lots" }).fault,
      /a whole number, 1 or more, or Infinity for no limit/,
    );
  });
});

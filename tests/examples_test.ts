// The programs in examples/, run as a reader would run them, and talked to over real sockets.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { connect as dial, type Socket } from "node:net";
import { describe, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { stxEtx } from "../examples/stx_etx.ts";
import { varint } from "../examples/varint.ts";
import { assertFramer } from "../src/testing/mod.ts";
import { Program } from "./support/program.ts";
import { it } from "./support/it.ts";

const folder = fileURLToPath(new URL("../examples", import.meta.url));

async function start(t: TestContext, name: string, ...args: string[]): Promise<[Program, number]> {
  const program = new Program(t, `examples/${name}.ts`, args);
  const [, port] = await program.said("out", /port: (\d+)/);
  return [program, Number(port)];
}

/** A machine that has much else to do needs seconds for what follows at once. */
const deadlineMs = 30_000;

/** A plain socket that collects what it gets. */
class Peer {
  readonly #socket: Socket;
  #got = "";
  /** What was waited for ends here. */
  #seen = 0;
  #changed: () => void = () => {};
  #ended = false;

  constructor(t: TestContext, port: number) {
    this.#socket = dial({ port, host: "127.0.0.1", allowHalfOpen: true });
    t.after(() => this.#socket.destroy());
    this.#socket.setEncoding("latin1").on("data", (text: string) => {
      this.#got += text;
      this.#changed();
      // What nobody waited for is asked for no more, but at its end.
      const excess = Math.max(0, this.#got.length - 10_000);
      this.#got = this.#got.slice(excess);
      this.#seen = Math.max(0, this.#seen - excess);
    });
    for (const event of ["end", "close", "error"]) {
      this.#socket.on(event, () => {
        this.#ended = true;
        this.#changed();
      });
    }
  }

  send(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** Sends without ever reading again, far more than fits between two programs that do not read. */
  flood(text: string): void {
    this.#socket.pause();
    this.#socket.write(text.repeat(Math.ceil((16 * 1024 * 1024) / text.length)), "latin1");
  }

  end(): void {
    this.#socket.end();
  }

  get text(): string {
    return this.#got;
  }

  /**
   * Resolves once this has come behind what was waited for before, whatever lies between or follows; rejects if the
   * connection ends first.
   */
  got(wanted: string): Promise<void> {
    return this.#until(`wait for ${JSON.stringify(wanted)}`, () => {
      const at = this.#got.indexOf(wanted, this.#seen);
      if (at >= 0) this.#seen = at + wanted.length;
      else if (this.#ended) assert.fail(`wait for ${JSON.stringify(wanted)}: the connection ended`);
      return at >= 0;
    });
  }

  ended(): Promise<void> {
    return this.#until("wait for the end", () => this.#ended);
  }

  /** The condition is asked on each change, before what came is cut short. */
  #until(what: string, reached: () => boolean): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        const got = JSON.stringify(this.#got.slice(-500));
        reject(new Error(`${what}: not there within ${deadlineMs} ms; the last that came is ${got}`));
      }, deadlineMs);
      const look = this.#changed = () => {
        try {
          if (!reached()) return;
          resolve();
        } catch (error) {
          reject(error);
        }
        clearTimeout(timer);
        this.#changed = () => {};
      };
      look();
    });
  }
}

async function drains(program: Program): Promise<void> {
  program.signal("SIGTERM");
  const { code, err } = await program.end();
  assert.equal(code, 0, err);
}

/** What a server of an example is asked, and what it answers. */
interface Talk {
  readonly name: string;
  readonly ask: string;
  readonly answer: string;
}

const talks: readonly Talk[] = [
  { name: "echo", ask: "hello\n", answer: "hello\n" },
  { name: "custom_framer", ask: "\x83\x00abc", answer: "\x03abc" },
  { name: "device_server", ask: "\x00\x03\x01\x2a\x07", answer: "\x00\x02\x01\x01" },
];

describe("examples", () => {
  it("are of less than 60 lines", () => {
    const names = readdirSync(folder).filter((name) => name.endsWith(".ts"));
    assert.ok(names.length >= 5);
    for (const name of names) {
      const lines = readFileSync(`${folder}/${name}`, "utf8").trimEnd().split("\n").length;
      assert.ok(lines < 60, `${name} has ${lines} lines`);
    }
  });

  it("import the name that their reader has installed", () => {
    for (const name of readdirSync(folder).filter((name) => name.endsWith(".ts"))) {
      const code = readFileSync(`${folder}/${name}`, "utf8");
      const imported = [...code.matchAll(/^(?:import|export) .*from "([^"]+)";$/gm)].map(([, from]) => from!);
      // A service on NATS knows nothing of sockets.
      const own = name === "nats_bridge.ts" ? /^@nats-io\/transport-node$/ : /^millrace(?:\/\w+)?$/;
      assert.ok(imported.some((from) => own.test(from)), name);
      const known = /^millrace(?:\/\w+)?$|^node:|^\.\/\w+\.ts$/;
      // One that shows streams of the standard library of Deno has to import them.
      const strange = imported.filter((from) =>
        !known.test(from) && !own.test(from) && !(name === "std_streams.ts" && from.startsWith("@std/"))
      );
      assert.deepEqual(strange, [], name);
    }
  });

  it("echo gives lines back, and drains at SIGTERM", { timeout: 60_000 }, async (t) => {
    const [program, port] = await start(t, "echo", "0");
    const peer = new Peer(t, port);
    peer.send("one\ntwo\n");
    await peer.got("one\ntwo\n");
    peer.end();
    await peer.ended();
    await drains(program);
  });

  it("chat takes a line from one to all others (F-44)", { timeout: 60_000 }, async (t) => {
    const [program, port] = await start(t, "chat", "0");
    const ada = new Peer(t, port);
    await ada.got("your name?\n");
    ada.send("Ada\n");
    await ada.got("hello, Ada; 1 here\n");
    const bob = new Peer(t, port);
    await bob.got("your name?\n");
    bob.send("Bob\n");
    await ada.got("* Bob came\n");
    bob.send("hi all\n");
    await ada.got("Bob: hi all\n");
    bob.end();
    await ada.got("* Bob left (peer_closed)\n");
    await drains(program);
  });

  it("S-59: a chat goes on for everybody while one of them reads nothing", { timeout: 60_000 }, async (t) => {
    const [program, port] = await start(t, "chat", "0");
    const ada = new Peer(t, port);
    await ada.got("your name?\n");
    ada.send("Ada\n");
    await ada.got("hello, Ada; 1 here\n");
    const deaf = dial({ port, host: "127.0.0.1" }).on("error", () => {});
    t.after(() => deaf.destroy());
    await new Promise<void>((resolve) => deaf.once("connect", () => resolve()));
    deaf.pause().write("Deaf\n");
    await ada.got("* Deaf came\n");
    const bob = new Peer(t, port);
    await bob.got("your name?\n");
    bob.send("Bob\n");
    await ada.got("* Bob came\n");
    // More than the kernel holds for the one who does not read.
    const line = `${"x".repeat(60_000)}\n`;
    for (let at = 0; at < 200; at++) ada.send(line);
    ada.send("at last\n");
    await bob.got("Ada: at last\n");
    deaf.destroy();
    await ada.got("* Deaf left (peer_reset)\n");
    await drains(program);
  });

  it("the proxy passes bytes and half-closes on (F-47)", { timeout: 60_000 }, async (t) => {
    const [echo, target] = await start(t, "echo", "0");
    const [program, port] = await start(t, "tcp_proxy", "0", String(target));
    const peer = new Peer(t, port);
    peer.send("through\n");
    await peer.got("through\n");
    peer.send("last\n");
    peer.end();
    await peer.got("last\n");
    await peer.ended();
    await drains(program);
    await drains(echo);
  });

  it(
    "the framing of one's own cuts across reads and refuses what is none (F-11)",
    { timeout: 60_000 },
    async (t) => {
      const [program, port] = await start(t, "custom_framer", "0");
      const peer = new Peer(t, port);
      peer.send("\x03ab");
      peer.send("c\x00\x01d");
      await peer.got("\x03abc\x00\x01d");
      const wrong = new Peer(t, port);
      wrong.send("\xff".repeat(5));
      await wrong.ended();
      await drains(program);
    },
  );

  it("the device server answers length-prefixed messages (F-4)", { timeout: 60_000 }, async (t) => {
    const [program, port] = await start(t, "device_server", "0");
    const peer = new Peer(t, port);
    peer.send("\x00\x03\x01\x2a\x07");
    await peer.got("\x00\x02\x01\x01");
    await program.said("out", /reading 42 7/);
    peer.send("\x00\x01\x09");
    await program.said("out", /left: killed after 2 frames/);
    await drains(program);
  });

  for (const { name, ask, answer } of talks) {
    it(
      `S-59: ${name}: FIN at every place of a message ends that connection alone`,
      { timeout: 60_000 },
      async (t) => {
        const [program, port] = await start(t, name, "0");
        for (let sent = 0; sent <= ask.length; sent++) {
          const peer = new Peer(t, port);
          peer.send(ask.slice(0, sent));
          peer.end();
          await peer.ended();
          assert.equal(peer.text, sent === ask.length ? answer : "", `after ${sent} bytes`);
        }
        const other = new Peer(t, port);
        other.send(ask);
        await other.got(answer);
        other.end();
        await other.ended();
        await drains(program);
      },
    );

    it(
      `S-59: ${name}: serves others beside a peer that never reads, drains at a burst of signals, and stops at a later one`,
      { timeout: 60_000 },
      async (t) => {
        const [program, port] = await start(t, name, "0");
        const deaf = new Peer(t, port);
        deaf.flood(ask);
        const other = new Peer(t, port);
        other.send(ask);
        await other.got(answer);
        const [late, stuck] = [new Peer(t, port), new Peer(t, port)];
        for (const peer of [late, stuck]) {
          peer.send(ask + ask.slice(0, 1));
          await peer.got(answer);
        }
        program.signal("SIGTERM");
        program.signal("SIGINT");
        program.signal("SIGTERM");
        // Nothing is due there, so this is how far the drain is when it has begun.
        await other.ended();
        late.send(ask.slice(1));
        await late.ended();
        assert.ok(late.text.startsWith(answer) && late.text.length === 2 * answer.length, late.text);
        await program.signalAgain("SIGTERM");
        const { code, signal, err } = await program.end();
        assert.deepEqual([code, signal], [0, null], err);
      },
    );
  }

  it("a varint framing is 20 lines, and held to the standard of the library's (F-11)", () => {
    const [, code = ""] = /(export const varint.*)/s.exec(readFileSync(`${folder}/varint.ts`, "utf8"))!;
    assert.ok(code.trimEnd().split("\n").length <= 20, code);
    const long = new Uint8Array(300).fill(7);
    const frames = [new Uint8Array(), Uint8Array.of(7, 8), long];
    const bytes = Uint8Array.of(0, 2, 7, 8, 0xac, 2, ...long);
    const limit = 2 ** 20;
    assertFramer(varint, [
      { bytes: "", frames: [] },
      { name: "three messages", bytes, frames, exact: true },
      { name: "a length in too many bytes", bytes: Uint8Array.of(0x82, 0x80, 0, 7, 8), frames: [frames[1]!] },
      {
        name: "a length of six bytes",
        bytes: Uint8Array.of(1, 7, 0xff, 0xff, 0xff, 0xff, 0xff),
        frames: [Uint8Array.of(7)],
        error: { reason: "malformed", offset: 2 },
      },
      {
        name: "a message over the limit",
        bytes: Uint8Array.of(0, 0x80, 0x80, 0x80, 1, 7),
        frames: [frames[0]!],
        error: { reason: "too_large", offset: 1, size: 2 ** 21 + 4, limit },
      },
      {
        name: "an end in the length",
        bytes: Uint8Array.of(0, 0x80),
        frames: [frames[0]!],
        error: { reason: "truncated", offset: 1, size: 1 },
      },
      {
        name: "an end in the body",
        bytes: Uint8Array.of(0, 3, 1, 2),
        frames: [frames[0]!],
        error: { reason: "truncated", offset: 1, size: 3 },
      },
    ], { frameOfSize: (size) => new Uint8Array(size) });
  });

  it("S-59: the framing of one's own is held to the standard of the library's (F-11)", () => {
    const text = "x".repeat(1_024);
    assertFramer(stxEtx, [
      { bytes: "", frames: [] },
      { bytes: "\x02\x03\x02h\u00e9\u20ac\n\x03", frames: ["", "h\u00e9\u20ac\n"], exact: true },
      { name: "a message of the limit", bytes: `\x02${text}\x03`, frames: [text], exact: true },
      {
        name: "a message over the limit",
        bytes: `\x02a\x03\x02${text}x`,
        frames: ["a"],
        error: { reason: "too_large", offset: 3 },
      },
      { bytes: "\x02a\x03b", frames: ["a"], error: { reason: "malformed", offset: 3 } },
      { bytes: "\x03", frames: [], error: { reason: "malformed", offset: 0 } },
      { bytes: "\x02a\x03\x02b\x02", frames: ["a"], error: { reason: "malformed", offset: 3 } },
      { bytes: "\x02a\x03\x02b", frames: ["a"], error: { reason: "truncated", offset: 3, size: 2 } },
    ], { refuses: ["a\x02", "\x03"], randomSplits: 10 });
  });

  it("S-58: all stop at signals as the library does it", () => {
    for (const name of readdirSync(folder).filter((name) => name.endsWith(".ts"))) {
      const code = readFileSync(`${folder}/${name}`, "utf8");
      // One that closes its server ends by itself.
      if (!/\bserve\(/.test(code) || /^await server\.close\(/m.test(code)) continue;
      assert.match(code, /^onSignals\(server\);\nawait server\.finished;$/m, name);
      assert.doesNotMatch(code, /process\.(?:on|once)\(/, name);
    }
  });
});

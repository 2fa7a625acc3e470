/** The spool on a real directory: what is stored, forwarded, kept, found again, and said. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { BusError } from "../../../src/gateway/errors.ts";
import { it } from "../../support/it.ts";
import { Device, FakeBus, FaultyDisk, folderFor, openSpool, until } from "./rig.ts";

const options = { timeout: 60_000 };

function texts(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, index) => `frame ${from + index}`);
}

/** The segments in a directory. */
function segments(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(".seg")).map((name) => join(folder, name)).sort();
}

describe("a spool", () => {
  it("stores frames, then passes them on in order, with what belongs to them (F-85)", options, async (t) => {
    const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
    const { spool } = await openSpool(t, folder, bus);
    for (const text of texts(500)) await device.send(spool, text);
    await until(() => bus.taken.length === 500, "500 frames at the bus");
    assert.deepEqual(bus.texts, texts(500));
    assert.deepEqual(device.stored_, texts(500));
    const { subject, reply, metadata, seq, received } = bus.taken[499]!;
    assert.deepEqual({ subject, reply, metadata, seq, received }, {
      subject: "millrace.meters.in.c1",
      reply: "millrace.meters.out.c1",
      metadata: { "conn.id": "c1", endpoint: "meters" },
      seq: 500,
      received: 1_700_000_000_500,
    });
    const { written, forwarded, frames, damaged } = spool.stats();
    assert.deepEqual({ written, forwarded, frames, damaged }, {
      written: 500,
      forwarded: 500,
      frames: 0,
      damaged: 0,
    });
  });

  it("has frames when the bus is away, and sends them after a restart (F-85)", options, async (t) => {
    const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
    bus.away = true;
    const { spool } = await openSpool(t, folder, bus);
    for (const text of texts(300)) await device.send(spool, text);
    await spool.flush();
    assert.equal(spool.stats().frames, 300);
    await until(() => spool.stats().oldestMs > 0, "the age of the oldest");
    await spool.close(0);
    const later = new FakeBus();
    const { spool: next } = await openSpool(t, folder, later);
    assert.equal(next.stats().written, 0);
    await until(() => later.taken.length === 300, "the frames of before");
    assert.deepEqual(later.texts, texts(300));
    assert.deepEqual(later.taken.map(({ seq }) => seq), texts(300).map((_, index) => index + 1));
    await new Device("c2").send(next, "frame 301");
    await until(() => later.taken.length === 301, "a new frame behind them");
  });

  it("sends again what a bus that stores had not confirmed, and nothing else (F-85)", options, async (t) => {
    const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
    bus.storing = true;
    const { spool } = await openSpool(t, folder, bus);
    for (const text of texts(10)) await device.send(spool, text);
    await until(() => bus.open.length === 10, "10 frames at the bus");
    bus.confirm(4);
    assert.equal(spool.stats().frames, 6);
    await spool.close(0);
    const later = new FakeBus();
    await openSpool(t, folder, later);
    await until(() => later.taken.length === 6, "those that were not confirmed");
    assert.deepEqual(later.texts, texts(6, 5));
  });

  it("asks the bus what it has before it sends again (F-85)", options, async (t) => {
    const [folder, bus] = [folderFor(t), new FakeBus()];
    bus.storing = true;
    const { spool } = await openSpool(t, folder, bus);
    const devices = [new Device("c1"), new Device("c2")];
    for (const text of texts(5)) for (const device of devices) await device.send(spool, text);
    await until(() => bus.open.length === 10, "10 frames at the bus");
    await spool.close(0);
    const later = Object.assign(new FakeBus(), {
      lastStored: ({ subject }: { readonly subject: string }) =>
        Promise.resolve(subject.endsWith(".c1") ? 3 : undefined),
    });
    later.storing = true;
    const { spool: next } = await openSpool(t, folder, later);
    await until(() => later.taken.length === 7, "what the bus does not have");
    const of = (id: string) =>
      later.taken.filter(({ metadata }) => metadata["conn.id"] === id).map(({ seq }) => seq);
    assert.deepEqual([of("c1"), of("c2")], [[4, 5], [1, 2, 3, 4, 5]]);
    assert.equal(next.stats().frames, 7);
    later.confirm();
    assert.equal(next.stats().frames, 0);
  });

  it("removes what the bus has, and never holds more than it may (F-85)", options, async (t) => {
    const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
    bus.away = true;
    const { spool } = await openSpool(t, folder, bus, { maxBytes: 256 * 1024 });
    const big = "x".repeat(4000);
    let sent = 0, over = false;
    const sending = (async () => {
      for (; sent < 600; sent++) await device.send(spool, big);
      over = true;
    })();
    await until(() => spool.stats().full, "the spool to be full");
    const { bytes, frames } = spool.stats();
    assert.ok(bytes <= 256 * 1024 && bytes > 240 * 1024, `${bytes} bytes`);
    assert.ok(frames < 70);
    assert.equal(over, false);
    bus.back();
    await sending;
    await until(() => bus.taken.length === 600, "every frame");
    await until(() => spool.stats().bytes <= 64 * 1024, "the files to be removed");
    assert.equal(device.stored_.length, 600);
    assert.ok(segments(join(folder, "1")).length <= 1);
  });

  it("closes connections whose frames have no room, where it is asked to (F-85)", options, async (t) => {
    const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
    bus.away = true;
    const { spool } = await openSpool(t, folder, bus, { maxBytes: 128 * 1024, whenFull: "close" });
    for (let sent = 0; sent < 40; sent++) {
      await device.send(spool, "x".repeat(4000));
      await spool.flush();
    }
    assert.equal(device.stored_.length + device.failures.length, 40);
    assert.equal(device.failures[0]?.reason, "full");
    assert.equal(spool.stats().frames, device.stored_.length);
    bus.back();
    await until(() => bus.taken.length === device.stored_.length, "those that were stored");
  });

  it("fails a frame that it could never hold, and no other (F-85)", options, async (t) => {
    const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
    const { spool } = await openSpool(t, folder, bus, { maxBytes: 256 * 1024 });
    void device.send(spool, "before");
    void device.send(spool, "x".repeat(140_000));
    void device.send(spool, "behind");
    await until(() => bus.taken.length === 2, "the other two");
    assert.deepEqual(device.failures.map(({ reason }) => reason), ["too_large"]);
    assert.deepEqual(device.stored_, ["before", "behind"]);
  });

  it("keeps a frame that the bus refuses for ever in a file, and goes on (F-85)", options, async (t) => {
    const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
    bus.refusal = ({ seq }) => seq === 2 ? new BusError("rejected", "too large for the stream") : undefined;
    const { spool, log } = await openSpool(t, folder, bus);
    for (const text of texts(3)) await device.send(spool, text);
    await until(() => spool.stats().refused === 1 && spool.stats().frames === 0, "all to be done with");
    const { written, forwarded, refused } = spool.stats();
    assert.deepEqual({ written, forwarded, refused }, { written: 3, forwarded: 2, refused: 1 });
    const file = log.map(({ fields }) => fields?.["file"]).find((name) => typeof name === "string");
    assert.ok(readFileSync(String(file)).includes("frame 2"));
    assert.deepEqual(bus.texts, ["frame 1", "frame 3"]);
  });

  it(
    "keeps what a stream refuses for ever, and sends again what fails otherwise (F-85)",
    options,
    async (t) => {
      const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
      bus.storing = true;
      const { spool } = await openSpool(t, folder, bus);
      for (const text of texts(3)) await device.send(spool, text);
      await until(() => bus.open.length === 3, "3 frames at the bus");
      const [first, second, third] = bus.open.splice(0);
      second!.observer.failed?.(second!.message, new BusError("rejected", "too large for the stream"));
      await until(() => spool.stats().refused === 1, "the refusal");
      first!.observer.stored?.(first!.message);
      third!.observer.failed?.(third!.message, new BusError("timeout", "no answer"));
      await until(() => bus.open.length === 1, "the third once more");
      assert.equal(bus.open[0]!.message.seq, 3);
      bus.confirm();
      const { frames, forwarded, refused } = spool.stats();
      assert.deepEqual({ frames, forwarded, refused }, { frames: 0, forwarded: 2, refused: 1 });
    },
  );

  it("goes on after the bus has failed, behind what it has (F-85)", options, async (t) => {
    const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
    let failing = true;
    bus.refusal = ({ seq }) => failing && seq === 5 ? new Error("no") : undefined;
    const { spool, log } = await openSpool(t, folder, bus);
    for (const text of texts(9)) await device.send(spool, text);
    await until(() => log.some(({ message }) => message.includes("forwarding failed")), "the failure");
    failing = false;
    await until(() => bus.taken.length === 9, "every frame");
    assert.deepEqual(bus.texts, texts(9));
  });

  for (const [kind, fault] of [["writing", "ENOSPC"], ["syncing", "EIO"]] as const) {
    it(`acknowledges nothing while ${kind} fails, and goes on when it works (F-85)`, options, async (t) => {
      const [folder, bus, device, faulty] = [folderFor(t), new FakeBus(), new Device("c1"), new FaultyDisk()];
      const { spool, log } = await openSpool(t, folder, bus, { disk: faulty.disk });
      await device.send(spool, "frame 1");
      await spool.flush();
      faulty[kind] = fault;
      for (const text of texts(4, 2)) void device.send(spool, text);
      await until(() => spool.stats().failures > 0, "a failure");
      assert.deepEqual(device.stored_, ["frame 1"]);
      assert.deepEqual(device.failures, []);
      assert.equal(spool.stats().unwritten, 4);
      assert.ok(
        log.some(({ level, fields }) => level === "error" && String(fields?.["error"]).includes(fault)),
      );
      faulty[kind] = undefined;
      await until(() => bus.taken.length === 5, "every frame");
      assert.deepEqual(bus.texts, texts(5));
      assert.deepEqual(device.stored_, texts(5));
      assert.ok(faulty.truncations > 0);
    });
  }

  it("closes connections while the disk fails, where it is asked to (F-85)", options, async (t) => {
    const [folder, bus, device, faulty] = [folderFor(t), new FakeBus(), new Device("c1"), new FaultyDisk()];
    const { spool } = await openSpool(t, folder, bus, { disk: faulty.disk, whenFull: "close" });
    faulty.writing = "ENOSPC";
    void device.send(spool, "lost");
    await until(() => device.failures.length === 1, "the failure");
    assert.equal(device.failures[0]?.reason, "not_written");
    faulty.writing = undefined;
    const again = new Device("c2");
    await until(() => {
      if (again.stored_.length === 0) void again.send(spool, "kept");
      return again.stored_.length > 0;
    }, "a frame to be stored");
    await until(() => bus.taken.length === again.stored_.length, "it at the bus");
    assert.ok(!bus.texts.includes("lost"));
  });

  it("has one owner, and says who it is (F-85)", options, async (t) => {
    const folder = folderFor(t);
    const { own, Owned } = await import("../../../src/gateway/spool/owner.ts");
    const { disk } = await import("../../../src/host/disk.ts");
    const first = await own(disk, folder);
    await assert.rejects(
      own(disk, folder),
      (error) => error instanceof Owned && error.ours && error.reason === "in_use",
    );
    writeFileSync(join(folder, "owner.json"), '{"pid":4242}');
    await assert.rejects(own(disk, folder), /process 4242 uses it/);
    await first.release();
    await (await own(disk, folder)).release();
  });

  it(
    "takes another directory while an earlier one of this process drains, and what is left there (F-85)",
    options,
    async (t) => {
      const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
      bus.away = true;
      const { spool } = await openSpool(t, folder, bus);
      for (const text of texts(3)) await device.send(spool, text);
      await spool.flush();
      const later = new FakeBus();
      const { spool: second } = await openSpool(t, folder, later);
      assert.deepEqual(readdirSync(folder).sort(), ["1", "2"]);
      await second.close(0);
      await spool.close(0);
      // As after more processes than there are now.
      const { spool: third } = await openSpool(t, folder, later);
      await until(() => later.taken.length === 3, "what was left");
      assert.deepEqual(later.texts, texts(3));
      await third.close(0);
    },
  );

  it("cuts off an unfinished write, counts it, and has every frame before it (F-85)", options, async (t) => {
    const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
    bus.away = true;
    const { spool } = await openSpool(t, folder, bus);
    for (const text of texts(3)) await device.send(spool, text);
    await spool.flush();
    await spool.close(0);
    const [file] = segments(join(folder, "1"));
    const whole = statSync(file!).size;
    writeFileSync(file!, Buffer.concat([readFileSync(file!), readFileSync(file!).subarray(40, 70)]));
    const later = new FakeBus();
    const { spool: next, log } = await openSpool(t, folder, later);
    assert.equal(next.stats().tornBytes, 30);
    assert.equal(next.stats().bytes, whole);
    await until(() => later.taken.length === 3, "the frames");
    assert.equal(next.stats().damaged, 0);
    assert.ok(
      log.some(({ message, fields }) => message.includes("unfinished write") && fields?.["bytes"] === 30),
    );
  });

  it("finds that the end of what it had stored is missing (F-85)", options, async (t) => {
    const [folder, bus, device] = [folderFor(t), new FakeBus(), new Device("c1")];
    bus.away = true;
    const { spool } = await openSpool(t, folder, bus);
    for (const text of texts(3)) await device.send(spool, text);
    await spool.flush();
    await spool.close(0);
    const [file] = segments(join(folder, "1"));
    truncateSync(file!, statSync(file!).size - 5);
    const later = new FakeBus();
    const { spool: next, log } = await openSpool(t, folder, later);
    await until(() => next.stats().frames === 0, "all to be done with");
    assert.deepEqual(later.texts, texts(2));
    assert.equal(next.stats().damaged, 1);
    assert.equal(next.stats().tornBytes, 0);
    assert.ok(log.some(({ level, message }) => level === "error" && message === "spool damaged"));
    await until(
      () => readdirSync(join(folder, "1")).some((name) => name.endsWith(".damaged")),
      "the file to be kept",
    );
  });
});

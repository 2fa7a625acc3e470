// Certificates from functions and from code, their dates, and those who listen.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OptionsError } from "../../src/core/errors.ts";
import type { TlsMaterial } from "../../src/core/tls/tls.ts";
import { CertificateStage } from "../support/certificate_host.ts";
import { serverPair, testAuthority } from "../support/certificates.ts";

const dayMs = 86_400_000;
const minuteMs = 60_000;

describe("certificates from a function (F-31)", () => {
  it("are asked for at the start, every refresh, and at reload", async () => {
    const stage = new CertificateStage();
    const series = await Promise.all([
      serverPair("a.example"),
      serverPair("a.example"),
      serverPair("a.example"),
    ]);
    let at = 0;
    let calls = 0;
    const set = stage.set({
      a: {
        load: () => {
          calls++;
          return series[at]!;
        },
        refresh: "10 minutes",
      },
    });
    await set.open();
    assert.deepEqual([calls, set.material.key], [1, series[0]!.key]);
    at = 1;
    await stage.clock.advanceAsync(10 * minuteMs - 1);
    assert.equal(set.material.key, series[0]!.key);
    await stage.clock.advanceAsync(1);
    assert.deepEqual([calls, set.material.key], [2, series[1]!.key]);
    assert.deepEqual(await set.reload(), { rotated: [], unchanged: ["a"], refused: [] });
    at = 2;
    assert.deepEqual(await set.reload(), { rotated: ["a"], unchanged: [], refused: [] });
    assert.equal(set.material.key, series[2]!.key);
    await set.close();
    assert.equal(stage.clock.pendingTimers, 0);
    await stage.clock.advanceAsync(60 * minuteMs);
    assert.equal(calls, 4);
  });

  const faults: [string, () => unknown, RegExp][] = [
    ["throws", () => {
      throw new Error("vault is sealed");
    }, /^use a\.load: vault is sealed$/],
    ["rejects", () => Promise.reject(new Error("vault is away")), /^use a\.load: vault is away$/],
    ["gives nothing", () => undefined, /^use a\.load: found a different result, expected \{ cert, key \}/],
    ["gives half", () => ({ cert: "x" }), /^use a\.load: found a different result/],
    [
      "gives no PEM",
      () => ({ cert: "x", key: "y" }),
      /^use the cert that a\.load returned: found no PEM text/,
    ],
  ];
  for (const [what, load, expected] of faults) {
    it(`reject the start when it ${what}, and later keep the old one and ask again within a minute`, async () => {
      const stage = new CertificateStage();
      const one = await serverPair("a.example"), two = await serverPair("a.example");
      const atStart = stage.set({ a: { load: load as () => TlsMaterial } });
      await assert.rejects(atStart.open(), { name: "TlsError", reason: "material", message: expected });
      assert.equal(stage.clock.pendingTimers, 0);

      let current: () => TlsMaterial = () => one;
      const set = stage.set({ a: { load: () => current() } });
      await set.open();
      current = load as () => TlsMaterial;
      await stage.clock.advanceAsync(60 * minuteMs);
      assert.equal(set.material.key, one.key);
      assert.match(set.inspect()[0]!.refused?.message ?? "", expected);
      await stage.clock.advanceAsync(10 * minuteMs);
      assert.deepEqual(stage.told(), ["certificate refused: a"]);
      current = () => two;
      await stage.clock.advanceAsync(minuteMs);
      assert.equal(set.material.key, two.key);
      assert.equal(set.inspect()[0]!.refused, undefined);
      await set.close();
    });
  }

  it("fail when the function takes longer than loadTimeout, and its signal is aborted", async () => {
    const stage = new CertificateStage();
    let signal: AbortSignal | undefined = undefined;
    const load = (given: AbortSignal): Promise<TlsMaterial> => {
      signal = given;
      return new Promise(() => {});
    };
    const set = stage.set({ a: { load, loadTimeout: "5 seconds" } });
    const opened = assert.rejects(set.open(), { message: "use a.load: no answer within 5000 ms" });
    await stage.clock.advanceAsync(4_999);
    assert.equal((signal as AbortSignal | undefined)?.aborted, false);
    await stage.clock.advanceAsync(1);
    await opened;
    assert.equal((signal as AbortSignal | undefined)?.aborted, true);
    assert.equal(stage.clock.pendingTimers, 0);
  });

  it("are not put in service by an answer that comes after close", async () => {
    const stage = new CertificateStage();
    const one = await serverPair("a.example"), two = await serverPair("a.example");
    let answer: (pair: TlsMaterial) => void = () => {};
    let calls = 0;
    const load = (): TlsMaterial | Promise<TlsMaterial> =>
      calls++ === 0 ? one : new Promise((resolve) => answer = resolve);
    const set = stage.set({ a: { load } });
    await set.open();
    const reloaded = set.reload();
    await stage.clock.advanceAsync(0);
    await set.close();
    answer(two);
    assert.deepEqual(await reloaded, { rotated: [], unchanged: ["a"], refused: [] });
    assert.equal(set.material.key, one.key);
  });
});

describe("rotation from code (F-31)", () => {
  it("takes a good pair at once and throws for a bad one, which changes nothing", async () => {
    const stage = new CertificateStage();
    const one = await serverPair("a.example"), two = await serverPair("a.example");
    const set = stage.set({ a: one });
    assert.throws(() => set.rotate("a", two), {
      reason: "material",
      message: /not open; await open\(\) first/,
    });
    await set.open();
    set.rotate("a", two);
    assert.equal(set.material.key, two.key);
    assert.throws(() => set.rotate("a", { cert: one.cert, key: two.key }), {
      name: "TlsError",
      reason: "material",
      message: /^use rotate a: key: found a key that does not belong to the certificate in rotate a: cert/,
    });
    assert.throws(() => set.rotate("b", one), (error) => {
      assert.ok(error instanceof OptionsError);
      assert.match(error.message, /found "b", expected one of a/);
      return true;
    });
    assert.equal(set.material.key, two.key);
    assert.equal(set.inspect()[0]!.rotations, 1);
    // Neither a reload nor opening it again brings the text of the start back.
    assert.deepEqual(await set.reload(), { rotated: [], unchanged: ["a"], refused: [] });
    await set.close();
    await set.open();
    assert.equal(set.material.key, two.key);
    await set.close();
  });

  it("holds until the files change", async () => {
    const stage = new CertificateStage();
    const [one, two, three] = await Promise.all([
      serverPair("a.example"),
      serverPair("b.example"),
      serverPair(),
    ]);
    const put = ({ cert, key }: TlsMaterial) => stage.files.write("/tls/a.pem", cert + key);
    put(one);
    const set = stage.set({ a: { certFile: "/tls/a.pem", keyFile: "/tls/a.pem" } });
    await set.open();
    set.rotate("a", two);
    assert.equal(set.select("b.example"), set.material);
    put(one);
    await stage.clock.advanceAsync(minuteMs);
    assert.equal(set.material.key, two.key);
    put(three);
    await stage.clock.advanceAsync(minuteMs);
    assert.equal(set.material.key, three.key);
    await set.close();
  });

  it("is told to listeners in the same turn, until they stop; what one throws does not keep the others from it", async () => {
    const stage = new CertificateStage();
    const [one, two, three] = await Promise.all([serverPair(), serverPair(), serverPair()]);
    const set = stage.set({ a: one });
    await set.open();
    const heard: string[] = [];
    set.onChange(() => {
      throw new Error("no");
    });
    const stop = set.onChange(({ material, isDefault, name }) =>
      heard.push(`${name} ${isDefault} ${material.key}`)
    );
    set.rotate("a", two);
    assert.deepEqual(heard, [`a true ${two.key.trim()}\n`]);
    assert.ok(stage.logs.some(({ message }) => message === "hook failed"));
    stop();
    set.rotate("a", three);
    assert.equal(heard.length, 1);
    assert.equal(set.material.key.trim(), three.key.trim());
    await set.close();
  });
});

describe("dates of certificates (F-31)", () => {
  it("are warned of once a day from 14 days before the end, and told as an error after it", async () => {
    const stage = new CertificateStage();
    const end = stage.clock.wallTime() + 16 * dayMs;
    const set = stage.set({ a: await (await testAuthority()).sign({ names: ["a.example"], to: end }) });
    await set.open();
    const perDay: string[][] = [];
    for (let day = 0; day < 18; day++) {
      await stage.clock.advanceAsync(dayMs);
      perDay.push(
        stage.logs.splice(0).filter(({ level }) => level !== "info").map(({ level, message, fields }) =>
          `${level} ${message} ${fields.daysLeft}`
        ),
      );
    }
    const soon = (left: number): string[] => [`warn certificate expires soon ${left}`];
    assert.deepEqual(perDay.slice(0, 1), [[]]);
    // The end was rounded down to a whole second.
    assert.deepEqual(perDay.slice(1, 15), Array.from({ length: 14 }, (_, at) => soon(13 - at)));
    assert.deepEqual(perDay[15], ["error certificate expired -1"]);
    assert.deepEqual(perDay[17], ["error certificate expired -3"]);
    await set.close();
    assert.equal(stage.clock.pendingTimers, 0);
  });

  it("are told at the start, and not again for a rotation on the same day", async () => {
    const stage = new CertificateStage();
    const ca = await testAuthority();
    const to = stage.clock.wallTime() + 3 * dayMs;
    const set = stage.set({ a: await ca.sign({ names: ["a.example"], to }) });
    await set.open();
    assert.deepEqual(stage.told(), ["certificate expires soon: a"]);
    set.rotate("a", await ca.sign({ names: ["a.example"], to }));
    assert.equal(stage.told().length, 1);
    set.rotate("a", await ca.sign({ names: ["a.example"] }));
    await stage.clock.advanceAsync(2 * dayMs);
    assert.equal(stage.told().length, 1);
    await set.close();
  });

  it("are warned of as early as warnBefore says", async () => {
    const stage = new CertificateStage();
    const pair = await serverPair();
    const never = stage.set({ a: pair }, { warnBefore: 0 });
    const early = stage.set({ b: pair }, { warnBefore: "100 days" });
    await never.open();
    await early.open();
    assert.deepEqual(stage.told(), ["certificate expires soon: b"]);
    await never.close();
    await early.close();
  });
});

describe("opening certificates", () => {
  it("uses the logger and the clock of the server where they have none, and reads once for several", async () => {
    const stage = new CertificateStage();
    let calls = 0;
    const pair = await serverPair();
    const load = () => {
      calls++;
      return pair;
    };
    const set = stage.set({ a: { load } }, { logger: undefined, clock: undefined });
    const { clock, logs } = stage;
    const user = { clock, logger: (record: typeof logs[number]) => void logs.push(record) };
    await Promise.all([set.open(user), set.open(user)]);
    assert.equal(calls, 1);
    assert.deepEqual(stage.told("info"), ["certificate in service: a"]);
    await clock.advanceAsync(60 * minuteMs);
    assert.equal(calls, 2);
    await set.close();
    await set.close();
    assert.equal(clock.pendingTimers, 0);
  });

  it("leaves nothing behind when it is closed while it opens", async () => {
    const stage = new CertificateStage();
    const set = stage.set({ a: await serverPair() });
    const opened = set.open();
    await Promise.all([opened, set.close()]);
    assert.equal(stage.clock.pendingTimers, 0);
  });
});
